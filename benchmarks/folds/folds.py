"""Models of one recipe, each with a fold that it has never seen: do they fit, and what do they say?

A pair is the candidate and the baseline of one fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import metrics
from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import with_metrics
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from edgepress.core.manifest import DataRef
from edgepress.core.results import EvalResult
from edgepress.data import views
from edgepress.data.context import check_labels
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped, Rows, grouped
from edgepress.data.origin import covers
from edgepress.data.split import indices, refuse_leak

FEW_GROUPS = 30
"""Resampling fewer clusters makes intervals too narrow (Cameron, Gelbach and Miller 2008,
"Bootstrap-Based Improvements for Inference with Clustered Errors")."""


@dataclass(frozen=True)
class Pair:
    """The models of one fold."""

    number: int
    """Counted from 1, in the order in which they were given."""
    candidate: Artifact
    baseline: Artifact | None = None

    @property
    def models(self) -> tuple[Artifact, ...]:
        """The candidate, and the baseline where there is one."""
        return (self.candidate,) if self.baseline is None else (self.candidate, self.baseline)


@dataclass(frozen=True)
class Measured:
    """The results by fold, and those of all folds as one."""

    pairs: tuple[Pair, ...]
    dataset: Dataset
    parts: tuple[EvalResult, ...]
    """Of the candidates, one per fold."""
    whole: EvalResult
    baseline_parts: tuple[EvalResult, ...] = ()
    baseline: EvalResult | None = None


def open_pairs(candidates: Sequence[Path], baselines: Sequence[Path]) -> tuple[Pair, ...]:
    """Open the models; the baselines may be left out.

    Raises:
        UserError: a path that is not a model, no candidate, or not a baseline for each.
    """
    if not candidates:
        raise UserError("There is no candidate", allowed="--candidates DIR DIR ..., one per fold")
    if baselines and len(baselines) != len(candidates):
        raise UserError(
            "Every candidate needs the baseline of its fold",
            got=f"{len(candidates)} candidates and {len(baselines)} baselines",
            allowed="as many baselines as candidates in the same order, or none",
        )
    opened: list[Artifact | None] = [open_model(path) for path in baselines]
    opened = opened or [None] * len(candidates)
    return tuple(
        Pair(number, open_model(path), baseline)
        for number, (path, baseline) in enumerate(zip(candidates, opened, strict=True), 1)
    )


def known_data(pair: Pair) -> DataRef:
    """Return the data and the split that the models of a pair share.

    Raises:
        UserError: a model does not say what it was trained on, or the two do not share it.
    """
    found = []
    for model in pair.models:
        if model.manifest.data is None:
            raise UserError(
                f"Pair {pair.number}: the model does not say which images it was trained on, so "
                "no image is known to be new to it",
                got=model.path,
                allowed="an artifact that a stage of edgepress has made",
            )
        found.append(model.manifest.data)
    if any(data.split != found[0].split for data in found):
        raise UserError(
            f"Pair {pair.number}: candidate and baseline were trained on different splits",
            got=" and ".join(str(model.path) for model in pair.models),
            next_step="give every candidate the baseline of its own fold",
        )
    return found[0]


def rows_by_pair(pairs: Sequence[Pair], dataset: Dataset) -> tuple[Rows, ...]:
    """Return the rows of each pair's test part, after a check that the pairs fit together.

    Raises:
        UserError: a pair's models are of other data, saw images of their test part or are not made
            like those of the first pair, or two pairs share test images.
    """
    tested: dict[str, int] = {}
    for pair in pairs:
        try:
            _check(pair, pairs[0], dataset)
        except UserError as error:
            raise UserError(f"Pair {pair.number}: {error}") from None
        test = known_data(pair).split.test
        shared = [tested[image_id] for image_id in test if image_id in tested]
        if shared:
            raise UserError(
                f"Pairs {shared[0]} and {pair.number} share {shared.count(shared[0])} test images, "
                "which would count twice",
                got=f"{pairs[shared[0] - 1].candidate.path} and {pair.candidate.path}",
                next_step="train each with a fold of its own (--fold 1/5, --fold 2/5, ...) and the "
                "same --split-seed and --group-column",
            )
        tested |= dict.fromkeys(test, pair.number)
    return tuple(indices(dataset, known_data(pair).split, "test") for pair in pairs)


def combined(parts: Sequence[EvalResult], labels: Sequence[Labels]) -> EvalResult:
    """Return the results of several models, each on a fold of its own, as one.

    AP is averaged over the folds (`evaluation.ap_per_label`). F1 counts the decisions of all folds
    together, each made at the thresholds of its own model. ECE bins the probabilities of all folds
    together: those of every model are meant to be on the scale of probabilities.

    Args:
        parts: One result per fold, the first is fold 1; no image is in two.
        labels: Those of the model of each part.

    Raises:
        UserError: the parts differ in data, labels or views.
    """
    first = parts[0]
    for part in parts[1:]:
        for name in ("data_id", "label_names", "view_names"):
            if getattr(part, name) != getattr(first, name):
                raise UserError(
                    f"The folds were not measured on the same data: {name} differs",
                    got=f"{getattr(first, name)} and {getattr(part, name)}",
                )
    whole = first.model_copy(
        update={
            "data_id": f"{first.data_id}:folds",
            "image_ids": tuple(image_id for part in parts for image_id in part.image_ids),
            "scores": np.concatenate([part.scores for part in parts], axis=1),
            "targets": np.concatenate([part.targets for part in parts]),
            "groups": tuple(group for part in parts for group in part.groups),
            "folds": tuple(number for number, part in enumerate(parts, 1) for _ in part.image_ids),
        }
    )
    decided = [
        part.scores[0] >= np.asarray(own.thresholds, np.float32)
        for part, own in zip(parts, labels, strict=True)
    ]
    half = (0.5,) * len(first.label_names)
    f1 = metrics.f1_macro(whole.targets, np.concatenate(decided).astype(float), half)
    return with_metrics(whole, labels[0]).model_copy(update={"f1_macro": f1})


def together(pairs: Sequence[Pair], dataset: Dataset, rows: Sequence[Rows]) -> tuple[Grouped, ...]:
    """Return the test images of each pair with their groups, which count through all pairs.

    Groups are what the split has kept together: near-duplicates, and images with one value of its
    column where it has one.

    Raises:
        UserError: the data have no such column, or a pair's test images are all of one group.
    """
    column = known_data(pairs[0]).split.group_column
    everything = grouped(dataset, np.concatenate(rows), column, "test")
    ends = np.cumsum([len(own) for own in rows])
    tested = [
        everything.take(slice(end - len(own), end)) for own, end in zip(rows, ends, strict=True)
    ]
    for pair, images in zip(pairs, tested, strict=True):
        if len(set(images.groups)) == 1:
            raise UserError(
                f"Pair {pair.number}: the test images are of one group of {named(column)}, and how "
                "groups differ cannot be told from one",
                got=pair.candidate.path,
                next_step="train with fewer folds, so that each tests several groups",
            )
    n_groups = len(set(everything.groups))
    if 0 < n_groups < FEW_GROUPS:
        console.warn(
            f"{n_groups} groups of {named(column)} are few: intervals from fewer than {FEW_GROUPS} "
            "are often too narrow"
        )
    return tuple(tested)


def named(column: str | None) -> str:
    """Return what groups are groups of, for a sentence."""
    return "near-duplicates" if column is None else repr(column)


def undefined(parts: Sequence[EvalResult]) -> dict[str, int]:
    """Return in how many folds each label is undefined, without the labels that never are."""
    counts = {name: sum(part.ap[name] is None for part in parts) for name in parts[0].label_names}
    return {name: count for name, count in counts.items() if count}


def _check(pair: Pair, first: Pair, dataset: Dataset) -> None:
    """Refuse a pair that is not of these data or not made like the first one."""
    for model, other in zip(pair.models, first.models, strict=True):
        check_labels(model, dataset)
        assert model.manifest.data is not None  # known_data has checked it
        if not covers(model.manifest.data.split, dataset):
            raise UserError(
                "The model was trained on other images than the data at hand",
                got=f"{model.path} of {model.manifest.data.source}, and {dataset.source}",
            )
        refuse_leak(model, known_data(pair).split)
        if _made(model) != _made(other):
            raise UserError(
                "The model is not made like that of pair 1",
                got=f"{model.path}: {_made(model)}; {other.path}: {_made(other)}",
                allowed="models of one recipe, which differ in their fold alone",
            )
    seen = {views.usable(dataset.views, model.manifest.image) for model in pair.models}
    if len(seen) > 1:
        raise UserError(
            "Candidate and baseline are measured in different views",
            got=" and ".join(", ".join(names) for names in seen),
            allowed="inputs that are both square, or both not",
        )


def _made(model: Artifact) -> str:
    """Return what the models of one recipe have in common, whatever their fold."""
    found = model.manifest
    size = f"{found.image.height} x {found.image.width}"
    column = found.data.split.group_column if found.data else None
    groups = f", split by groups of {column!r}" if column else ""
    return f"{found.stage}, {found.kind}, {found.precision}, {size}{groups}"
