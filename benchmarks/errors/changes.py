"""What is different from another model: decisions that changed, for better or worse."""

from itertools import zip_longest

from scipy.stats import binomtest

from benchmarks.comparison.against_first import flip_entry, label_drops
from benchmarks.errors.schema import Changes, Estimate, LabelChange
from benchmarks.errors.worst import Names
from benchmarks.statistics import paired
from benchmarks.statistics.agreement import Flip, agreement
from benchmarks.statistics.labels import holm
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult

Measured = tuple[Artifact, EvalResult]


def changes(ours: Measured, other: Measured, name: str, named: Names, most_flips: int) -> Changes:
    """Compare a model with another one, called `name`, on the same images, which are `named`.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    found = agreement(ours, other)
    files = dict(zip(named.image_ids, named.files, strict=True))
    drops = label_drops(ours[1], other[1])
    before, after = other[1].map, ours[1].map
    lost = None if before is None or after is None else before - after
    return Changes(
        model=name,
        path=str(other[0].path),
        share=found.share,
        ci95=found.ci95,
        map_drop=Estimate(
            value=lost,
            ci95=paired.interval_of(paired.map_drop(ours[1], other[1])),
        ),
        labels=tuple(
            _label_change(
                label, [flip for flip in found.flips if flip.label == label], most_flips
            ).model_copy(update={"drop": drops[label]})
            for label in ours[1].label_names
        ),
        files={flip.image_id: files[flip.image_id] for flip in found.flips},
    )


def shown_images(found: Changes) -> list[str]:
    """Return the images of the changed decisions, the largest change of every label first."""
    ranks = zip_longest(*([flip.image_id for flip in label.flips] for label in found.labels))
    return [image_id for rank in ranks for image_id in rank if image_id]


def p_values(found: Changes) -> tuple[float, ...]:
    """Return for each label the p value of "as many turned right as wrong", adjusted (Holm).

    McNemar's test in its exact form: of the changed decisions half would turn wrong by chance.
    """
    each = [
        binomtest(label.now_wrong, label.now_wrong + label.now_right).pvalue
        if label.now_wrong + label.now_right
        else 1.0
        for label in found.labels
    ]
    return tuple(holm(each).tolist())


def _label_change(label: str, flips: list[Flip], most: int) -> LabelChange:
    known = [flip for flip in flips if flip.target is not None]
    right = sum(flip.decided == flip.target for flip in known)
    return LabelChange(
        label=label,
        now_right=right,
        now_wrong=len(known) - right,
        unknown=len(flips) - len(known),
        drop=None,
        flips=tuple(flip_entry(flip) for flip in flips[:most]),
    )
