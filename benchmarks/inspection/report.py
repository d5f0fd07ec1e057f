"""All of an inspection, in one record."""

from pathlib import Path

import numpy as np

from benchmarks.inspection import (
    copies,
    cross_validation,
    labels,
    remarks,
    scores,
    sizes,
    suspects,
)
from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import DataReport, Duplicates, FlatImages, LabelFacts, Suspects
from edgepress.core import environment
from edgepress.core.image_spec import ImageSpec
from edgepress.core.results import EvalResult
from edgepress.core.wording import listed
from edgepress.data import ranges
from edgepress.data.brought import RANDOM


def inspect(opened: Opened, scored: EvalResult | None, seed: int) -> DataReport:
    """Return what is in the data, and what should be looked at.

    Raises:
        UserError: the scores are of other labels or other images.
    """
    if scored is not None:
        scores.check_fit(opened, scored)
    targets = opened.table.targets
    facts = labels.label_facts(opened.table.label_names, targets)
    by_labels = labels.images_by_labels(targets)
    all_sizes = sizes.distinct_sizes(opened.sizes)
    duplicates = copies.find_copies(opened)
    suspected = suspects.find_suspects(opened, lambda: _judge(opened, scored, seed))
    return DataReport(
        source=opened.source,
        format=opened.format,
        folder=str(opened.folder),
        findings=(
            *_about_files(opened),
            *_about_labels(facts),
            *_remarks(opened),
            *_about_split(opened, duplicates),
            *_about_copies(duplicates),
            *_about_suspects(suspected),
        ),
        n_rows=len(opened.image_ids) + len(opened.unreadable),
        n_images=len(opened.image_ids),
        n_unknown=int(np.isnan(targets).sum()),
        labels=facts,
        cardinality=float((targets == 1).sum(axis=1).mean()) if len(targets) else None,
        images_by_labels=by_labels,
        mean_ir=labels.mean_ir(facts),
        cooccurrence=labels.cooccurrence(opened.table.label_names, targets),
        n_grey=int(opened.grey.sum()),
        n_sizes=len(all_sizes),
        sizes=all_sizes[: sizes.MOST_SIZES],
        size_grid=sizes.size_grid(opened.sizes),
        unreadable=opened.unreadable,
        flat=_flat(opened),
        n_deep=int(opened.ranges.deep.sum()),
        n_several=int((opened.ranges.pages > 1).sum()),
        n_transparent=int(opened.ranges.clear.sum()),
        unknown_range=ranges.doubt(opened.ranges),
        duplicates=duplicates,
        suspects=suspected,
        certifiable=scores.certifiable(scored),
        environment=environment.describe(),
    )


def open_scores(path: Path | None) -> EvalResult | None:
    """Read the scores that were given, if any.

    Raises:
        UserError: they cannot be read, or are of training images.
    """
    return None if path is None else scores.load_scores(path)


def _judge(opened: Opened, scored: EvalResult | None, seed: int) -> suspects.Judge:
    if scored is not None:
        told = (
            f"By the given model's probabilities for the {len(scored.image_ids):,} images that it "
            "was evaluated on; the other images were not looked at."
        )
        return suspects.Judge("scores", told, scores.probabilities(opened, scored))
    told = (
        "By a weak classifier: logistic regression on the principal components of grey 32 x 32 "
        f"thumbnails, {cross_validation.FOLDS}-fold cross-validated, so that no image was judged "
        "by one that had seen it. A trained model tells better: give its artifact with --scores."
    )
    probs = cross_validation.out_of_fold(
        opened.thumbnails, opened.table.targets, opened.group, seed
    )
    return suspects.Judge("cross-validation", told, probs)


def _about_files(opened: Opened) -> list[str]:
    n = len(opened.unreadable)
    return [f"Files that cannot be read as images: {n:,}"] if n else []


def _remarks(opened: Opened) -> list[str]:
    """Say what training would refuse or warn of, and what is unusual."""
    table = opened.table
    found = (
        *remarks.about_samples(opened.ranges, None, opened.name),
        *remarks.about_labels(table.label_names, table.targets),
        *remarks.stretched(opened.sizes, ImageSpec()),
    )
    return [str(one) if one.severity == "wrong" else one.text for one in found]


def _flat(opened: Opened) -> FlatImages:
    likely = ranges.likely(opened.ranges)
    rows = ranges.flat_rows(opened.ranges, likely)
    constant = (opened.ranges.levels(likely)[rows] < 1).sum()
    return FlatImages(n_constant=int(constant), files=tuple(map(opened.name, rows.tolist())))


def _about_labels(facts: tuple[LabelFacts, ...]) -> list[str]:
    never = [label.name for label in facts if not label.positives]
    always = [label.name for label in facts if label.prevalence == 1]
    return [
        f"Labels that {what}: {listed(names, 10)}"
        for what, names in (("never occur", never), ("are on every image", always))
        if names
    ]


def _about_split(opened: Opened, found: Duplicates) -> list[str]:
    """Say which split of the data's own training takes, or why it does not, or refuses it."""
    told = list(opened.brought.told)
    if opened.brought.column is not None and found.exact.across_splits:
        told.append(
            f"training refuses one file in two parts of {found.split_column!r}: remove it from one "
            f"of them; or {RANDOM}"
        )
    return told


def _about_copies(found: Duplicates) -> list[str]:
    return [
        f"Groups of {kind} duplicates {what}: {count:,}"
        for kind, counts in (("exact", found.exact), ("near", found.near))
        for count, what in (
            (counts.across_splits, f"in several parts of the column {found.split_column}"),
            (counts.with_different_labels, "with different labels"),
        )
        if count
    ]


def _about_suspects(found: Suspects) -> list[str]:
    who = "the model" if found.method == "scores" else "a weak classifier"
    return [f"Label values that {who} doubts: {found.n_suspects:,}"] if found.n_suspects else []
