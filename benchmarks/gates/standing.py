"""Which verdicts of a stored model still stand for what is made of it later."""

from collections.abc import Iterable

from benchmarks.gates.text import metric_in
from edgepress.core.gates import ON_VALIDATION, Verdict
from edgepress.core.manifest import Manifest


def lasting(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that still hold when thresholds and calibration are learnt again."""
    found = ((verdict, metric_in(verdict.gate)) for verdict in verdicts)
    return tuple(verdict for verdict, metric in found if metric is None or metric.lasting)


def certified(manifest: Manifest) -> tuple[Verdict, ...]:
    """Return a model's verdicts without those on accuracy that validation images gave.

    A model that was chosen among many by these images does better on them than on others.
    """
    if manifest.judged_on == "test":
        return manifest.verdicts
    return tuple(verdict for verdict in manifest.verdicts if not _flattered(verdict.gate))


def _flattered(gate: str) -> bool:
    """Tell whether a verdict says how accurate a model is; demands name validation themselves."""
    metric = metric_in(gate)
    return metric is not None and metric.needs == "accuracy" and not gate.endswith(ON_VALIDATION)
