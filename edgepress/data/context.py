"""The data that a command works on: opened and split once, at its door, and passed on."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.judging import Judged
from edgepress.core.labels import MOST_NAMED, check_same
from edgepress.core.manifest import DataRef, Split
from edgepress.core.wording import listed
from edgepress.data import split as splits
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.grouping import Grouped, Rows, grouped
from edgepress.data.parts import PARTS, Part

Images = TypeVar("Images", Rows, Grouped)


@dataclass(frozen=True)
class Context:
    """A data set with its split, and how the first model at hand takes its images."""

    dataset: Dataset
    split: Split
    spec: ImageSpec
    views: int | None = None
    """Views of each test image at most that accuracy is averaged over (default: all)."""
    judged: Judged = "test"
    """Part that accuracy is measured and gated on."""

    def rows(self, part: Part) -> Rows:
        """Return the rows of a part."""
        return splits.indices(self.dataset, self.split, part)

    def images(self, part: Part) -> Grouped:
        """Return the images of a part to measure on, with the groups that the split keeps.

        Raises:
            UserError: the data have no longer the column that the split went by.
        """
        return grouped(self.dataset, self.rows(part), self.split.group_column, part)

    def require(self, part: Part) -> "Context":
        """Return this context, of which a part must have images.

        Raises:
            UserError: the part is empty, or none of its images is here.
        """
        require_images(self.rows(part), self.dataset, part)
        return self

    def targets(self, part: Part) -> NDArray[np.float32]:
        """Return what is true of the images of a part, `[n, labels]`, NaN where unknown."""
        return self.dataset.targets[self.rows(part)]

    @property
    def beside_test(self) -> Part:
        """The part to look at before the test: validation, training where that has no image."""
        return "val" if len(self.rows("val")) else "train"

    @property
    def identity(self) -> str:
        """What names the data and the split in the id of what is made of them."""
        return splits.identity(self.dataset, self.split)

    def reference(self, assumed: bool = False) -> DataRef:
        """Return what a manifest says of the data; `assumed` where a training is not known."""
        return DataRef(
            source=self.dataset.source,
            fingerprint=self.dataset.fingerprint,
            split=self.split,
            assumed=assumed,
        )


def context_of(dataset: Dataset, *models: Artifact, by_name: tuple[Artifact, ...] = ()) -> Context:
    """Return data as models are measured on them.

    The labels are in the models' order, the split is the first known one, and no model was trained
    on images of its test part.

    Args:
        dataset: The data.
        models: Those whose answers are taken as they are.
        by_name: Further ones, whose labels may be in another order.

    Raises:
        UserError: other labels than a model's, models with their labels in different orders, or a
            leaking split.
    """
    ordered = in_order_of(dataset, models[0])
    for model in models:
        check_labels(model, ordered)
    for model in by_name:
        check_same(model.manifest.labels.names, ordered.label_names, model.path, ordered.source)
    split = splits.split_for(ordered, (*models, *by_name))
    return Context(ordered, split, models[0].manifest.image)


def open_context(
    source: str,
    models: tuple[Artifact, ...],
    skip_bad_images: bool = False,
    by_name: tuple[Artifact, ...] = (),
) -> Context:
    """Open the data that models are measured on.

    Raises:
        UserError: unusable data, or as `context_of`.
    """
    return context_of(open_data(source, skip_bad_images), *models, by_name=by_name)


def require_images(images: Images, dataset: Dataset, part: Part | None) -> Images:
    """Return images, of a part or named one by one, which must be some.

    Raises:
        UserError: the part is empty, or none of its images is here.
    """
    if not len(images):
        raise UserError(
            f"There is no image in the part {part}" if part else "There is no image",
            got=dataset.source,
            next_step=f"take another part ({', '.join(one for one in PARTS if one != part)}), or "
            "data and a split that have one",
        )
    return images


def in_order_of(dataset: Dataset, model: Artifact) -> Dataset:
    """Return data with their labels in a model's order, so that its own data are known again.

    Raises:
        UserError: the model has other labels.
    """
    ours = model.manifest.labels.names
    if ours == dataset.label_names:
        return dataset
    check_same(ours, dataset.label_names, model.path, dataset.source)
    console.say_once(
        f"the data have the labels of {model.name} in another order: they are taken by name"
    )
    return dataset.in_order(ours)


def check_labels(model: Artifact, dataset: Dataset) -> None:
    """Refuse a model that predicts other labels than the data have here, or in another order.

    Raises:
        UserError: names or their order differ.
    """
    ours, theirs = model.manifest.labels.names, dataset.label_names
    check_same(ours, theirs, model.path, dataset.source)
    if ours != theirs:
        raise UserError(
            "The model has its labels in another order than the first model",
            got=f"{model.path}: {listed(ours, MOST_NAMED)}",
            allowed=listed(theirs, MOST_NAMED),
            next_step="take models of one order together; python -m export.adopt brings the labels "
            "of an .onnx file into the order of the data",
        )
