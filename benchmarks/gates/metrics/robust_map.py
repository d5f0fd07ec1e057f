"""mAP on corrupted images, mean over all corruptions and strengths."""

from benchmarks.evaluation.robustness import robust_drop
from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import Metric, drop, dropped
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return reference minus candidate of mAP, mean over all corruptions and strengths.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours = evidence.candidate.robustness
    theirs = evidence.reference.robustness if evidence.reference else None
    if ours is None or theirs is None:
        return None
    found = robust_drop(ours, theirs).mean()
    if found is None:
        return None
    bounds, ci95 = found.bounds(evidence.tail), found.interval()
    reason = dropped("mAP on corrupted images", found.value, ci95, (evidence.level, bounds[1]))
    return Finding(found.value, bounds, ci95, reason)


METRIC = Metric(
    about="findings",
    needs="robustness",
    forms={"drop": drop(find)},
    examples=("robust_map drop <= 0.02",),
    note="on 512 images under every corruption of `benchmarks.robustness`, which takes minutes",
)
