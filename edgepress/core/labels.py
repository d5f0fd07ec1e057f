"""The labels that a network predicts, and how their thresholds were learnt."""

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import model_validator

from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.scaling import Calibration, Scalings
from edgepress.core.wording import listed

MOST_NAMED = 5
"""Labels that a message names."""

Method = Literal["f1", "global", "fixed"]


def shares(targets: ArrayLike) -> tuple[float | None, ...]:
    """Return the share of positives among the known targets of each label, `None` without any.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.

    >>> shares([[1, float("nan")], [0, float("nan")]])
    (0.5, None)
    """
    table = np.asarray(targets, float)
    known = (~np.isnan(table)).sum(axis=0)
    positives = np.nansum(table, axis=0)
    return tuple(
        float(hits / images) if images else None
        for hits, images in zip(positives, known, strict=True)
    )


def check_same(ours: Sequence[str], theirs: Sequence[str], model: object, data: object) -> None:
    """Refuse a model of other labels than the data's; the order does not matter.

    Args:
        ours: The model's labels.
        theirs: Those of the data.
        model: What a message calls the model.
        data: What it calls the data.

    Raises:
        UserError: there is a label that only one of them has.
    """
    if sorted(ours) == sorted(theirs):
        return
    raise UserError(
        "The model's labels are not the labels of the data",
        got=f"{_only(ours, theirs)} only in the model {model}; "
        f"{_only(theirs, ours)} only in the data {data}",
        allowed="the same names, in any order",
        next_step="rename the labels in the data's table where the same is meant; a model for "
        "these labels is trained by python -m compress.train",
    )


def _only(names: Sequence[str], others: Sequence[str]) -> str:
    return listed([name for name in names if name not in others], MOST_NAMED) or "none"


class ThresholdSettings(Noun):
    """How thresholds are learnt."""

    method: Method = "f1"
    """`f1`: one for each label, with its highest F1. `global`: one for all labels, with the highest
    F1 of all labels together. `fixed`: as they are."""
    demands: tuple[str, ...] = ()
    """Labels whose threshold follows a precision or recall instead, as `recall[LABEL] >= 0.98`."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, told: Any) -> Any:
        """Read what was written when there was SCutFBR, a more careful `f1`."""
        return _without_fbr(told, {"scutfbr": "f1"})


class LabelLearning(Noun):
    """Where the threshold of one label is from, and what it reaches on the images it is from."""

    learnt: bool = True
    """Whether the images told it; if not, it is as it was before, 0.5 at first."""
    demand: str | None = None
    """What was demanded of the label."""
    reachable: float | None = None
    """Highest value that any threshold reaches, where the demand cannot be kept; the threshold is
    then the one without the demand."""
    images: int
    """Images with a known target."""
    positives: int
    """Images that have the label."""
    precision: float | None
    """At the threshold; `None`, as the next two, where the images do not hold both classes."""
    recall: float | None
    f1: float | None

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, told: Any) -> Any:
        return _without_fbr(told, {})


def _without_fbr(told: Any, renamed: dict[str, str]) -> Any:
    """Return what a manifest or report tells, without the number that SCutFBR had."""
    if not isinstance(told, dict):
        return told
    kept = {name: value for name, value in told.items() if name != "fbr"}
    if kept.get("method") in renamed:
        kept["method"] = renamed[kept["method"]]
    return kept


class Learning(Noun):
    """How the thresholds of one model file were learnt, on validation images."""

    settings: ThresholdSettings
    labels: tuple[LabelLearning, ...]
    """One per label, in output order."""


class Labels(Noun):
    """Names, decision thresholds and prevalence, one of each per label, in output order."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    """A label is predicted when its probability is at least this; tuned on validation."""
    prevalence: tuple[float | None, ...]
    """Share of the training images that carry the label, among those of which it is known; `None`
    where it is known of none."""
    learning: Learning | None = None
    """How the thresholds were learnt; `None` where nobody has told."""
    calibration: Calibration | None = None
    """How the probabilities were calibrated; `None`: they are those of the network."""

    @property
    def scalings(self) -> Scalings:
        """The scaling of each label, `None` where its probabilities are those of the network."""
        return self.calibration.scalings if self.calibration else (None,) * len(self.names)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.names) == len(self.thresholds) == len(self.prevalence):
            raise ValueError("names, thresholds and prevalence must have one entry per label")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"label names must differ from each other, got {self.names}")
        if self.learning is not None and len(self.learning.labels) != len(self.names):
            raise ValueError("learning must have one entry per label")
        if self.calibration is not None and len(self.calibration.labels) != len(self.names):
            raise ValueError("calibration must have one entry per label")
        return self
