"""Largest drop of AP among the labels."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import Metric, drop
from benchmarks.gates.metrics._ranking import estimate, limits
from benchmarks.statistics import paired
from benchmarks.statistics.labels import worst_label_bounds
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the largest drop of AP among the labels, paired over images.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours = evidence.candidate.evaluation
    theirs = evidence.reference.evaluation if evidence.reference else None
    if ours is None or theirs is None:
        return None
    ranks = paired.drops(ours, theirs)
    known = (name for name in ours.label_names if None not in (ours.ap[name], theirs.ap[name]))
    drops = {name: found for name in known if (found := estimate(ranks, ours, name)) is not None}
    if not drops or len(drops) < len(ours.label_names):
        return None
    bounds = worst_label_bounds(tuple(drops.values()), evidence.tail)
    worst = max(drops, key=lambda name: drops[name].value)
    least = max(drops, key=lambda name: drops[name].bounds(evidence.tail)[1])
    reason = (
        f"of {len(drops)} labels AP drops most for {worst}, by {100 * drops[worst].value:.2f} "
        f"points (with {evidence.level} confidence no label drops by more than "
        f"{100 * bounds[1]:.2f}; that is {least}{limits(ranks, ours, least)})"
    )
    return Finding(drops[worst].value, bounds, None, reason)


METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={"drop": drop(find)},
    examples=("worst_ap drop <= 0.05",),
    over_folds=True,
)
