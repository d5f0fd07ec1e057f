"""Gates: hold evidence against a demand and give a verdict with its numbers.

Missing evidence fails, and an interval that holds the limit decides nothing. Accuracy is
non-inferiority, paired over images or groups of them, by one-sided 95% bounds; latency is decided
by the 95% interval over the rounds of one tournament, which holds however often one has looked. Of
several candidates each has its share of the 5%, so that the best of them is no better by chance.
"""

import math
from collections.abc import Iterable

from benchmarks.gates import metrics
from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.gates.text import base_metric, form_of, metric_of, parse
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate, Outcome, Verdict
from edgepress.core.source import source_hash
from edgepress.core.stage import JUDGES

__all__ = [
    "Evidence",
    "Subject",
    "check",
    "check_all",
    "decided",
    "judges",
    "needs_accuracy",
    "needs_latency",
    "needs_robustness",
    "parse",
    "parse_all",
]


def needs_accuracy(gate: Gate) -> bool:
    """Tell whether a gate needs the models to be evaluated on images."""
    return metric_of(gate).needs == "accuracy"


def needs_latency(gate: Gate) -> bool:
    """Tell whether a gate needs a latency tournament, which also sees how much memory is used."""
    return metric_of(gate).needs == "latency"


def needs_robustness(gate: Gate) -> bool:
    """Tell whether a gate needs the models to be evaluated on corrupted images."""
    return metric_of(gate).needs == "robustness"


def check(gate: Gate, evidence: Evidence) -> Verdict:
    """Hold evidence against a gate.

    Raises:
        UserError: the gate names a label that the data does not have, or the two models were not
            measured on the same images or in the same rounds.
    """
    finding = form_of(gate).find(gate, evidence)
    if finding is not None and math.isnan(finding.measured):
        finding = None  # no number is no measurement
    outcome, ending = _decide(gate, finding, evidence)
    if needs_accuracy(gate):
        ending += _unknown(evidence) + _on_validation(evidence)
    if evidence.among > 1 and finding is not None and finding.bounds[0] < finding.bounds[1]:
        ending += f" (at {evidence.level}, one of {evidence.among} candidates)"
    return Verdict(
        gate=str(gate),
        against=_against(gate, evidence),
        outcome=outcome,
        measured=finding.measured if finding else None,
        ci95=finding.ci95 if finding else None,
        margin=_margin(gate, finding.bounds, outcome) if finding else None,
        reason=f"{finding.reason}; {ending}" if finding else ending,
    )


def parse_all(texts: Iterable[str], robustness: bool = False) -> tuple[Gate, ...]:
    """Read several gates; a stage does so before it starts to work.

    Args:
        texts: The gates.
        robustness: Whether who asks runs models on corrupted images.

    Raises:
        UserError: a gate that cannot be read, or that nobody here would measure.
    """
    found = tuple(parse(text) for text in texts)
    for gate in found:
        if needs_robustness(gate) and not robustness:
            raise UserError(
                "Corrupted images are not measured by this command, so the gate could only fail",
                got=gate,
                next_step=f'python -m benchmarks.gate --candidate DIR --gate "{gate}", or '
                "python -m benchmarks.robustness",
            )
    return found


def judges(texts: Iterable[str]) -> dict[str, str]:
    """Return the hash of the metrics that gates name, for what a stage chose by name.

    Raises:
        UserError: a gate that cannot be read.
    """
    found = sorted({metrics.module_of(base_metric(parse(text))) for text in texts})
    return {JUDGES: source_hash(*found)}


def check_all(
    wanted: Iterable[str], candidate: Subject, reference: Subject | None
) -> tuple[Verdict, ...]:
    """Hold one candidate against gates as they are written; `vs NAME` must name the reference.

    Raises:
        UserError: a gate that cannot be read, or as `check`.
    """
    gates = parse_all(wanted)
    name = reference.artifact.name if reference else None
    return tuple(
        check(gate, Evidence(candidate, reference if gate.against in (None, name) else None))
        for gate in gates
    )


def decided(wanted: Iterable[Gate], evidence: Evidence) -> bool:
    """Tell whether the evidence is enough for each of the gates, whatever it says.

    Raises:
        UserError: as `check`.
    """
    return all(check(gate, evidence).outcome != "inconclusive" for gate in wanted)


def _decide(gate: Gate, finding: Finding | None, evidence: Evidence) -> tuple[Outcome, str]:
    """Return the outcome and why."""
    if finding is None:
        form = "" if gate.form == "value" else f" {gate.form}"
        return "fail", f"not measured: {gate.metric}{form}"
    doubt = form_of(gate).doubt
    if doubt is not None and (told := doubt(gate, finding, evidence)):
        return "inconclusive", told
    outcome = _outcome(gate, finding.bounds)
    if outcome == "inconclusive":
        return outcome, f"the interval holds the limit of {_shown(gate)}, so nothing is decided"
    return outcome, f"the limit of {_shown(gate)} is {'met' if outcome == 'pass' else 'not met'}"


def _unknown(evidence: Evidence) -> str:
    """Return what cannot be known of a figure: whether a model was trained on these images."""
    subjects = (evidence.candidate, evidence.reference)
    names = [
        subject.artifact.name
        for subject in subjects
        if subject and subject.evaluation and not subject.evaluation.trained_on_known
    ]
    return f"; not known: whether {' and '.join(names)} learnt from these images" if names else ""


def _on_validation(evidence: Evidence) -> str:
    result = evidence.candidate.evaluation
    return "; on validation images" if result and result.on_validation else ""


def _outcome(gate: Gate, bounds: tuple[float, float]) -> Outcome:
    low, high = bounds
    if gate.op == "<=":
        return "pass" if high <= gate.limit else "fail" if low > gate.limit else "inconclusive"
    return "pass" if low >= gate.limit else "fail" if high < gate.limit else "inconclusive"


def _margin(gate: Gate, bounds: tuple[float, float], outcome: Outcome) -> float:
    """Return the distance from the deciding end to the limit; negative is beyond it."""
    low, high = bounds
    if gate.op == "<=":
        return gate.limit - (low if outcome == "fail" else high)
    return (high if outcome == "fail" else low) - gate.limit


def _shown(gate: Gate) -> str:
    """Return the limit as a person would write it."""
    return form_of(gate).unit.told(gate.limit)


def _against(gate: Gate, evidence: Evidence) -> str | None:
    """Return the name of the reference where the gate has one."""
    if not form_of(gate).compares:
        return None
    return gate.against or (evidence.reference.artifact.name if evidence.reference else None)
