"""The language of gates: `map drop <= 0.01 vs teacher`, `latency p50 <= 5ms`, `size <= 2MB`."""

import re
from collections.abc import Iterable

from benchmarks.gates import metrics
from benchmarks.gates.metrics import Form, Metric, Unit
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate

_SYNTAX = re.compile(
    r"(?P<metric>[A-Za-z0-9_]+)(?:\[(?P<label>[^\]]+)\])?"
    r"(?:\s+(?P<form>[a-z0-9]+))?"
    r"\s*(?P<op><=|>=)\s*(?P<number>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?P<unit>[A-Za-z%]*)"
    r"(?:\s+vs\s+(?P<against>\S.*?))?"
)
_START = re.compile(r"(?P<metric>\w*)(?:\[[^\]]*\])?(?:\s+(?P<form>[a-z0-9]+))?")
"""The start of a gate; a label in brackets may have blanks in it."""
_EXAMPLES = "'map drop <= 0.01', 'ap[LABEL] drop <= 0.05', 'latency speedup >= 2', 'size <= 2MB'"


def parse(text: str) -> Gate:
    """Read a gate; numbers are in base units (seconds, bytes, shares) unless a unit is written.

    Raises:
        UserError: no such metric, form or unit, or the demand points the wrong way.

    >>> str(parse("latency p50 <= 5ms"))
    'latency <= 0.005'
    """
    found = _SYNTAX.fullmatch(text.strip())
    if found is None:
        raise UserError("The gate cannot be read", got=text, allowed=f"for example {_EXAMPLES}")
    name, label, written, op = found.group("metric", "label", "form", "op")
    metric = metrics.find(name)
    form = _form(name, metric, written)
    wanted = metric.forms[form]
    if wanted.op != op:
        raise UserError("The gate points the wrong way", got=text, allowed=wanted.op)
    if metric.of_label != (label is not None):
        raise _misplaced_label(text)
    limit = _number(text, found.group("number")) * _factor(name, wanted.unit, found.group("unit"))
    if wanted.unit.positive and limit <= 0:
        raise UserError(wanted.unit.positive, got=text, allowed="above 0, e.g. 2")
    return Gate(
        metric=f"{name}[{label}]" if label else name,
        form=form,
        op=wanted.op,
        limit=limit,
        against=found.group("against"),
    )


def metric_of(gate: Gate) -> Metric:
    """Return what there is to say of a gate's metric.

    Raises:
        UserError: no such metric.
    """
    return metrics.find(base_metric(gate))


def form_of(gate: Gate) -> Form:
    """Return what there is to say of a gate's form.

    Raises:
        UserError: no such metric.
    """
    return metric_of(gate).forms[gate.form]


def metric_in(text: str) -> Metric | None:
    """Return the metric of a gate as it is written; `None` where a verdict is on something else.

    >>> metric_in("recall[a b] >= 0.9").of_label, metric_in("ort difference <= 0.1")
    (True, None)
    """
    name = _start(text)[0]
    return metrics.find(name) if name in metrics.names() else None


def unit_in(text: str) -> Unit | None:
    """Return what the figure of a gate, as it is written, is in; `None` where nobody knows.

    >>> unit_in("ap[a speedup b] >= 0.5 vs x").shown, unit_in("latency p50 <= 5ms").shown
    ('score', 'duration')
    """
    metric, form = metric_in(text), _start(text)[1]
    found = None if metric is None else metric.forms.get(metric.form_named(form))
    return None if found is None else found.unit


def tells_accuracy(text: str) -> bool:
    """Tell whether a gate, as it is written, is about what a model finds.

    >>> tells_accuracy("ap[crack] drop <= 0.05"), tells_accuracy("macs ratio <= 0.5")
    (True, False)
    """
    metric = metric_in(text)
    return metric is None or metric.about == "findings"


def in_words(names: Iterable[str]) -> str:
    """Return metrics in a row, with a label where one belongs.

    >>> in_words(["ap", "map", "size"])
    'ap[LABEL], map and size'
    """
    *first, last = (f"{name}[LABEL]" if metrics.find(name).of_label else name for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def examples(names: Iterable[str]) -> str:
    """Return gates on metrics as a user may write them, for help texts.

    >>> examples(["ece"])
    '`ece <= 0.05`'
    """
    found = (metrics.find(name) for name in names)
    return ", ".join(
        ", ".join(f"`{one}`" for one in metric.examples)
        + (f" ({metric.note})" if metric.note else "")
        for metric in found
    )


def base_metric(gate: Gate) -> str:
    """Return the metric without its label.

    >>> base_metric(parse("ap[crack] drop <= 0.05"))
    'ap'
    """
    return gate.metric.partition("[")[0]


def label_of(gate: Gate) -> str | None:
    """Return the label in brackets.

    >>> label_of(parse("ap[crack] drop <= 0.05"))
    'crack'
    """
    return gate.metric.partition("[")[2].removesuffix("]") or None


def _start(text: str) -> tuple[str, str | None]:
    found = _START.match(text)
    assert found is not None  # whatever the text
    return found.group("metric"), found.group("form")


def _misplaced_label(text: str) -> UserError:
    named = [name for name, metric in metrics.every().items() if metric.of_label]
    belongs = in_words(named)
    return UserError(
        "A label in brackets belongs to the metrics "
        f"{belongs.replace('[LABEL]', '')}, and only to them",
        got=text,
        allowed=f"{belongs}; map or cf1 for all labels",
    )


def _form(name: str, metric: Metric, written: str | None) -> str:
    form = metric.form_named(written)
    if form not in metric.forms:
        raise unknown_name(f"form of the gate metric {name}", form, metric.forms)
    return form


def _number(text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise UserError(f"The gate's limit is not a number: {number}", got=text) from None


def _factor(name: str, unit: Unit, written: str) -> float:
    """Return what one of the unit that is written is in base units."""
    if not written:
        return 1.0
    if written not in unit.written:
        raise unknown_name(f"unit of the gate metric {name}", written, unit.written)
    return unit.written[written]
