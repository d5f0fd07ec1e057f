"""What a report says of its models: their verdicts, their labels, the settings of their latency."""

from benchmarks.gates.text import tells_accuracy
from benchmarks.report.schema import ModelEntry, Report, Verdict

NO_ACCURACY = "no accuracy gate"
_SEVERITY: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")


def verdict_of(model: ModelEntry) -> Verdict | None:
    """Return the worst verdict of a model's gates, `None` if it has none."""
    found = {gate.verdict for gate in model.gates}
    return next((verdict for verdict in _SEVERITY if verdict in found), None)


def verdict_note(model: ModelEntry) -> str:
    """Return what a pass leaves open: gates on costs alone pass a model of any accuracy."""
    ungated = not any(tells_accuracy(gate.gate) for gate in model.gates)
    return NO_ACCURACY if verdict_of(model) == "pass" and ungated else ""


def label_names(report: Report) -> list[str]:
    """Return every label that any model was measured on, in the order of the data."""
    known = [str(name) for name in report.data.get("label_names") or ()]
    found = (name for model in report.models for name in (*model.ap, *model.pr_curves))
    return list(dict.fromkeys([*known, *found]))


def settings(report: Report) -> list[str]:
    """Return every latency setting that any model was measured in."""
    found = (
        name
        for model in report.models
        for name in (*model.latency_s, *model.latency_samples_s, *model.speedup)
    )
    return list(dict.fromkeys(found))


def prevalence(report: Report, label: str) -> float | None:
    """Return the share of test images with a label, which is the AP of a random ranking."""
    known = report.data.get("prevalence")
    names = list(report.data.get("label_names") or ())
    if isinstance(known, dict):
        return known.get(label)
    if isinstance(known, (list, tuple)) and len(known) == len(names) and label in names:
        share: float | None = known[names.index(label)]
        return share
    return None
