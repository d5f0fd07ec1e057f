"""What every stage needs of its data: the images, the split, and the rows of each part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.evaluation import check_labels
from benchmarks.statistics import paired
from compress.learning.loading import TrainingImages
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import shares
from edgepress.core.manifest import DataRef, Split
from edgepress.data import pixels, ranges, views
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.grouping import Grouped, grouped
from edgepress.data.parts import Part
from edgepress.data.split import identity, indices, split_for


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

    @property
    def identity(self) -> str:
        """What names the data and the split in the id of what is made of them."""
        return identity(self.dataset, self.split)

    def untaught(self) -> tuple[str, ...]:
        """Return a sentence for each kind of label of which the training part shows too little.

        Ready-made splits and sparse tables have such labels, even where the whole data set does
        not.
        """
        found = shares(self.dataset.targets[self.rows("train")])
        kinds = {
            "of no training image is known whether it has": None,
            "no training image has": 0.0,
            "every training image has": 1.0,
        }
        return tuple(
            f"{what}: {', '.join(names)}; nothing can be learnt of that label from the images"
            for what, share in kinds.items()
            if (
                names := [
                    n for n, s in zip(self.dataset.label_names, found, strict=True) if s == share
                ]
            )
        )

    def reference(self) -> DataRef:
        """Return what the manifest says of the data."""
        return DataRef(
            source=self.dataset.source, fingerprint=self.dataset.fingerprint, split=self.split
        )


def _say_power(reference: Artifact, context: Context) -> None:
    """Print the smallest drop of mAP that the test part can certify, before work starts."""
    file = reference.file(EVAL_FILE)
    smallest = paired.certifiable_drop(load_eval(file)) if file else None
    if smallest is not None:
        console.say(
            f"{len(context.rows('test'))} test images can certify a drop of mAP of about "
            f"{100 * smallest:.1f} points or more"
        )


def open_for(parents: tuple[Artifact, ...], source: str, skip_bad_images: bool) -> Context:
    """Open data for a stage that works on existing models.

    Raises:
        UserError: unusable data, other labels than the models', or a leaking split.
    """
    dataset = open_data(source, skip_bad_images)
    for parent in parents:
        check_labels(parent, dataset)
    spec = parents[0].manifest.image
    ranges.check(dataset.ranges, spec.pixel_range, dataset.source)
    ranges.warn(dataset.ranges, spec.pixel_range, dataset.paths)
    context = Context(dataset, split_for(dataset, parents), spec)
    warn_untaught(context)
    _say_power(parents[0], context)
    return context


def warn_untaught(context: Context) -> None:
    """Name the labels that the training part says nothing about, before work starts."""
    for sentence in context.untaught():
        console.warn(sentence)
