"""Images that a network made elsewhere is run on, to find out what its file does not say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.image_spec import ImageSpec
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import decoded, normalise
from export.adopting.sources._source import Adapter, Floats, Source

MOST_IMAGES = 128


@dataclass(frozen=True)
class Sample:
    """Images to find out on what a network takes: never of the test part.

    `targets` is `[n, labels]`.
    """

    dataset: Dataset
    rows: NDArray[np.intp]

    @property
    def targets(self) -> NDArray[np.float32]:
        """What is true of the images."""
        return self.dataset.targets[self.rows]

    def images(self, spec: ImageSpec) -> Floats:
        """Return the images `[n, channels, height, width]`."""
        return normalise(decoded(self.dataset, spec)[self.rows], spec)


def run(source: Source, adapter: Adapter, images: Floats) -> Floats:
    """Return what a network makes of images `[n, 3, h, w]`, in the order of the data's labels."""
    tracked = console.track(range(len(images)), "running the network")
    each = [source.run(adapter.feed(images[row : row + 1])).reshape(1, -1) for row in tracked]
    return adapter.probs(np.concatenate(each))
