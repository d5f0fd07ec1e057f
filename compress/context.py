"""What every stage needs of its data: the images, the split, and the rows of each part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import statistics
from benchmarks.evaluation import check_labels
from compress.core import console
from compress.core.artifact import Artifact
from compress.core.eval_file import EVAL_FILE, load_eval
from compress.core.image_spec import ImageSpec
from compress.core.manifest import DataRef, Split
from compress.data import pixels, views
from compress.data.dataset import Dataset, open_data
from compress.data.grouping import Grouped, grouped
from compress.data.split import Part, indices, split_for
from compress.loading import TrainingImages


@dataclass(frozen=True)
class Context:
    """A data set with its split and preprocessing."""

    dataset: Dataset
    split: Split
    spec: ImageSpec
    views: int | None = None
    """Views of each test image at most that accuracy is averaged over (default: all)."""

    def rows(self, part: Part) -> NDArray[np.intp]:
        """Return the rows of a part."""
        return indices(self.dataset, self.split, part)

    def images(self, part: Part) -> Grouped:
        """Return the images of a part to measure on, with the groups that the split keeps."""
        return grouped(self.dataset, self.rows(part), self.split.group_column)

    def training_images(self) -> TrainingImages:
        """Return the decoded images of the training part with their targets."""
        rows = self.rows("train")
        return TrainingImages(
            pixels=pixels.decoded(self.dataset, self.spec),
            targets=self.dataset.targets[rows],
            views=views.usable(self.dataset.views, self.spec),
            spec=self.spec,
            rows=rows,
        )

    def reference(self) -> DataRef:
        """Return what the manifest says of the data."""
        return DataRef(
            source=self.dataset.source, fingerprint=self.dataset.fingerprint, split=self.split
        )


def _say_power(reference: Artifact, context: Context) -> None:
    """Print the smallest drop of mAP that the test part can certify, before work starts."""
    file = reference.file(EVAL_FILE)
    sd = statistics.expected_sd(load_eval(file)) if file else None
    if sd is not None:
        smallest = 100 * statistics.smallest_certifiable_drop(sd)
        console.say(
            f"{len(context.rows('test'))} test images can certify a drop of mAP of about "
            f"{smallest:.1f} points or more"
        )


def open_for(parents: tuple[Artifact, ...], source: str, skip_bad_images: bool) -> Context:
    """Open data for a stage that works on existing models.

    Raises:
        UserError: unusable data, other labels than the models', or a leaking split.
    """
    dataset = open_data(source, skip_bad_images)
    for parent in parents:
        check_labels(parent, dataset)
    context = Context(dataset, split_for(dataset, parents), parents[0].manifest.image)
    _say_power(parents[0], context)
    return context
