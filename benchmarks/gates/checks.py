"""What is known of gates before any work: whether a command could decide them at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.gates.text import OPS, base_metric, label_of
from benchmarks.gates.verdicts import ACCURACY_METRICS
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate
from edgepress.core.manifest import Precision

FROM_WEIGHTS = ("size", "macs", "params")
FROM_TIMING = ("latency", "peak_rss")
FROM_PARITY = ("parity", "flipped")
FROM_INTEGERS = ("int8_convs", "float_time", "qdq_nodes")
TRAINED = frozenset((*ACCURACY_METRICS, *FROM_WEIGHTS))
"""Metrics of a stage that makes a PyTorch network."""
MEASURED = frozenset(metric for metric, _ in OPS) - {"drifting"}
"""Metrics of one model file, or of two."""


def compared(timed: bool) -> frozenset[str]:
    """Return the metrics of a comparison, of models that are timed or not."""
    return MEASURED - {"robust_map"} - (frozenset() if timed else frozenset(FROM_TIMING))


def exported(precision: Precision) -> frozenset[str]:
    """Return the metrics of an export in a number format."""
    return compared(timed=True) - (frozenset() if precision == "int8" else frozenset(FROM_INTEGERS))


@dataclass(frozen=True)
class Scene:
    """What a command measures, and between which models."""

    metrics: frozenset[str]
    """Metrics that it measures."""
    labels: Sequence[str] | None = None
    """Labels of the models; `None` is not known yet."""
    references: Sequence[str] | None = None
    """Names of the models to compare with, none of them the model itself; `None` is not known."""


def needs_reference(gate: Gate) -> bool:
    """Tell whether a gate compares with another model."""
    return gate.form != "value" or gate.metric == "agreement" or gate.against is not None


def require_decidable(wanted: Iterable[Gate], scene: Scene) -> None:
    """Refuse, before any work, a gate that could only fail for want of a measurement.

    Raises:
        UserError: a metric that is not measured, a label that there is not, or no such model.
    """
    for gate in wanted:
        _require_measured(gate, scene)
        label = label_of(gate)
        if label is not None and scene.labels is not None and label not in scene.labels:
            raise unknown_name(f"label in the gate '{gate}'", label, scene.labels)
        if scene.references is not None and needs_reference(gate):
            _require_reference(gate, scene.references)


def _require_measured(gate: Gate, scene: Scene) -> None:
    if base_metric(gate) not in scene.metrics:
        known = dict.fromkeys(metric for metric, _ in OPS if metric in scene.metrics)
        raise UserError(
            f"{base_metric(gate)} is not measured here, so the gate could only fail",
            got=gate,
            allowed=", ".join(known),
            next_step=f'python -m benchmarks.gate --candidate DIR --gate "{gate}" afterwards',
        )


def _of_a_value(gate: Gate) -> str:
    """Return the advice to demand a value, where the metric has such a gate."""
    op = OPS.get((base_metric(gate), "value"))
    if op is None or gate.metric == "agreement":
        return ""
    return f"demand a value, e.g. '{gate.metric} {op} LIMIT', or "


def _require_reference(gate: Gate, names: Sequence[str]) -> None:
    if not names:
        raise UserError(
            "The gate compares with another model, and here is none",
            got=gate,
            next_step=f"{_of_a_value(gate)}compare afterwards: python -m benchmarks.gate "
            "--candidate DIR --baseline DIR",
        )
    if gate.against is not None and gate.against not in names:
        raise unknown_name(f"model to compare with in the gate '{gate}'", gate.against, names)
