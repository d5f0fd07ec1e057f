"""What a plan is made from: where the way starts, and what is known of the data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture, Split
from edgepress.core.noun import Noun
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset

Origin = Literal["none", "checkpoint", "network", "file", "graph"]
"""What `--model` is: nothing (a teacher is trained), weights of an architecture, a PyTorch
artifact, a file made elsewhere that is adopted, or an ONNX artifact."""


@dataclass(frozen=True)
class Start:
    """What the way starts from: `--model` and `--arch`."""

    origin: Origin
    model: Path | None
    """As given; `None` for the origin `none`."""
    architecture: Architecture | None
    """Of the network to train or to load; `None` where there is only a graph."""
    artifact: Artifact | None = None
    """Of the origins `network` and `graph`, and of a file once it is adopted."""
    new_head: bool = False
    """Whether the output layer of a checkpoint is not of these labels, so that it has to be
    trained."""
    notes: tuple[str, ...] = ()
    """What was recognised or guessed, to be printed with the plan."""

    @property
    def prunable(self) -> bool:
        """Whether there is a network whose channels can be removed."""
        return self.architecture is not None


@dataclass(frozen=True)
class Facts:
    """What is known before anything is chosen."""

    start: Start
    context: Context
    """The data and their split; its `spec` is the artifact's, or a preliminary one."""
    sizes: NDArray[np.int32]
    """`[n, 2]`: width and height of each upright image, pixels."""

    def images(self) -> tuple[int, int, int]:
        """Return the images in the training, the validation and the test part."""
        return tuple(len(self.context.rows(part)) for part in ("train", "val", "test"))  # type: ignore[return-value]


def facts_of(dataset: Dataset, split: Split, start: Start, spec: ImageSpec) -> Facts:
    """Return what is known of opened data; nothing is looked at again."""
    assert dataset.sizes is not None  # what was opened was looked at
    return Facts(start, Context(dataset, split, spec), dataset.sizes)


class Choice(Noun):
    """A value of the recipe that nobody has stated, and why it was chosen."""

    name: str
    value: Any
    reason: str


class Speeds(Noun):
    """Seconds that the work takes on this machine, measured on a few batches of these data."""

    train_s: float = Field(ge=0)
    """One training step of the network that is trained or loaded, for each image; 0 where there is
    only a graph."""
    teach_s: float = Field(ge=0)
    """One step of the student with its teacher, for each image; 0 without a student."""
    alone_s: float = Field(0.0, ge=0)
    """The same without its teacher."""
    infer_s: float = Field(ge=0)
    """One image through the float network in ONNX Runtime on all cores, as it is evaluated."""
    decode_s: float = Field(ge=0)
    """One image read, decoded and resized, on all cores, where it is not in the cache yet."""
    forward_s: float = Field(0.0, ge=0)
    """One image through the network in PyTorch, as it is evaluated; 0 where there is only a
    graph."""
    student_forward_s: float = Field(0.0, ge=0)
    """The same of the student; 0 without one."""
    export_s: float = Field(0.0, ge=0)
    """One export of the network to ONNX; 0 where there is only a graph."""
    prune_s: float = Field(0.0, ge=0)
    """Following the network's channels and pruning."""
