"""What is known of gates before any work: whether a command could decide them at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.gates import metrics
from benchmarks.gates.metrics import Need
from benchmarks.gates.text import base_metric, form_of, label_of, metric_of
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate
from edgepress.core.manifest import Precision


def needing(*needs: Need) -> frozenset[str]:
    """Return the metrics for which one of these must be measured, and nothing else."""
    return frozenset(name for name, metric in metrics.every().items() if metric.needs in needs)


def trained() -> frozenset[str]:
    """Return the metrics of a stage that makes a PyTorch network."""
    return needing("accuracy", "network")


def measured() -> frozenset[str]:
    """Return the metrics of one model file, or of two."""
    return frozenset(metrics.names()) - needing("fleet")


def compared(timed: bool) -> frozenset[str]:
    """Return the metrics of a comparison, of models that are timed or not."""
    return measured() - needing("robustness") - (frozenset() if timed else needing("latency"))


def exported(precision: Precision) -> frozenset[str]:
    """Return the metrics of an export in a number format."""
    return compared(timed=True) - (frozenset() if precision == "int8" else needing("integers"))


def over_folds() -> tuple[str, ...]:
    """Return the metrics that models of several folds can be held against together."""
    return tuple(name for name, metric in metrics.every().items() if metric.over_folds)


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
    return form_of(gate).compares or gate.against is not None


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
        raise UserError(
            f"{base_metric(gate)} is not measured here, so the gate could only fail",
            got=gate,
            allowed=", ".join(sorted(scene.metrics)),
            next_step=f'python -m benchmarks.gate --candidate DIR --gate "{gate}" afterwards',
        )


def _of_a_value(gate: Gate) -> str:
    """Return the advice to demand a value, where the metric has such a gate."""
    form = metric_of(gate).forms.get("value")
    if form is None or form.compares:
        return ""
    return f"demand a value, e.g. '{gate.metric} {form.op} LIMIT', or "


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
