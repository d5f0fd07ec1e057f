"""mAP on corrupted images, mean over all corruptions and strengths."""

from benchmarks.evaluation.robustness import robust_drop
from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import Metric, drop
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
    bounds, ci95 = found.bounds(), found.interval()
    reason = (
        f"mAP on corrupted images drops by {100 * found.value:.2f} points (95% interval "
        f"{100 * ci95[0]:.2f} to {100 * ci95[1]:.2f}, with 95% confidence at most "
        f"{100 * bounds[1]:.2f})"
    )
    return Finding(found.value, bounds, ci95, reason)


METRIC = Metric(
    about="findings",
    needs="robustness",
    forms={"drop": drop(find)},
    examples=("robust_map drop <= 0.02",),
    note="on 512 images under every corruption of `benchmarks.robustness`, which takes minutes",
)
