"""Share of the decisions that are the reference's."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import SHARE, Form, Metric
from benchmarks.statistics import agreement
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the share of decisions that are the reference's, resampling images.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours, reference = evidence.candidate, evidence.reference
    if reference is None or ours.evaluation is None or reference.evaluation is None:
        return None
    found = agreement.agreement(
        (ours.artifact, ours.evaluation),
        (reference.artifact, reference.evaluation),
        evidence.tail,
    )
    reason = (
        f"{100 * found.share:.2f}% of the decisions are the reference's (95% interval "
        f"{100 * found.ci95[0]:.2f}% to {100 * found.ci95[1]:.2f}%; {len(found.flips)} differ)"
    )
    return Finding(found.share, found.bounds, found.ci95, reason)


METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={"value": Form(">=", find, SHARE, compares=True)},
    examples=("agreement >= 0.98",),
    lasting=False,
)
