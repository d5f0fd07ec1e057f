"""Expected calibration error, mean over the labels."""

from benchmarks import metrics
from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import SCORE, Form, Metric
from benchmarks.statistics.decisions import ece_draws, ece_interval
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's expected calibration error, mean over labels, by bootstrap."""
    result = evidence.candidate.evaluation
    if result is None:
        return None
    value = metrics.expected_calibration_error(result.targets, result.scores[0])
    if value is None:
        return None
    draws = ece_draws(result)
    bounds, ci95 = (ece_interval(draws, value, tail) for tail in (evidence.tail, 0.025))
    reason = (
        f"expected calibration error is {100 * value:.2f}% (95% interval, less what chance adds on "
        f"so few images, {100 * ci95[0]:.2f}% to {100 * ci95[1]:.2f}%)"
    )
    return Finding(value, bounds, ci95, reason)


METRIC = Metric(
    about="confidence",
    needs="accuracy",
    forms={"value": Form("<=", find, SCORE)},
    examples=("ece <= 0.05",),
    lasting=False,
)
