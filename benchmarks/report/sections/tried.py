"""The front of a search: accuracy on validation images against latency and size."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.gates import budgets
from benchmarks.report import format as fmt
from benchmarks.report import tried
from benchmarks.report.cells import Cell, Row
from benchmarks.report.figure import Drawing, Json, axis, budget_line, plot, spread, text
from benchmarks.report.page import Values
from benchmarks.report.schema import Report
from edgepress.core.search import Finalist, SearchRecord, TrialRecord
from edgepress.core.wording import counted

TITLE = "What the search found"
ORDER = 31

_FAINT, _PLAIN, _CHOSEN = "var(--faded)", "var(--m1)", "var(--m2)"
_FOOT = 0.03
"""Of the axis: how high trials without an accuracy stand."""


@dataclass(frozen=True)
class _Cost:
    """What accuracy is drawn against."""

    metric: str
    title: str
    unit: str
    scale: float
    read: Callable[[TrialRecord], float | None]
    teacher: float | None


def shown(report: Report) -> bool:
    """Tell whether the models come from a search."""
    return report.searched is not None


def values(report: Report) -> Values:
    """Return both plots, and how many trials came how far."""
    record = report.searched
    if record is None or not tried.whole(record):
        return "No trial of a search has come to its end."
    states = [one.state for one in record.trials]
    told = (f"{states.count(state)} {word}" for state, word in tried.STATES.items())
    return {
        "count": counted(len(states), "trial"),
        "states": ", ".join(one for one in told if not one.startswith("0 ")),
        "panels": [panel for cost in _costs(record) if (panel := _panel(record, cost))],
        "titles": ("Trial", "Gates", ("mAP", "validation"), "Size", "Chosen as"),
        "caption": "Chosen on validation images, before a test image was looked at; their gates "
        f"are corrected for {counted(len(record.finalists), 'finalist')}.",
        "finalists": [_finalist(record, one) for one in record.finalists],
    }


def _finalist(record: SearchRecord, one: Finalist) -> Row:
    trial = _trial(record, one.trial)
    passed = sum(verdict.outcome == "pass" for verdict in one.verdicts)
    gates = f"{passed} of {len(one.verdicts)} passed" if one.verdicts else "not judged"
    size = "" if trial.size_bytes is None else fmt.size(trial.size_bytes)
    cells = (Cell(gates), Cell(fmt.score(trial.map)), Cell(size), Cell(one.why))
    ships = one.trial == record.shipped
    about = one.model or ""
    return Row(cells, name=f"{'★ ' if ships else ''}{one.trial}", about=about)


def _costs(record: SearchRecord) -> tuple[_Cost, _Cost]:
    here = tried.machine(record)

    def latency(one: TrialRecord) -> float | None:
        return one.latency_s if one.machine == here else None

    return (
        _Cost("latency", "Latency", "ms", 1e3, latency, record.teacher_latency_s),
        _Cost("size", "Size", "MB", 1e-6, lambda one: one.size_bytes, record.teacher_size_bytes),
    )


def _trial(record: SearchRecord, number: int) -> TrialRecord:
    return next(one for one in record.trials if one.number == number)


def _panel(record: SearchRecord, cost: _Cost) -> Drawing | None:
    """Return a plot; `None` where the cost was not measured."""
    known = [one for one in record.trials if cost.read(one) is not None]
    if not known:
        return None
    limits = _limits(record, cost)
    y = _accuracy_axis(record)
    every = [*(_x(one, cost) for one in known), *limits]
    every += [cost.scale * cost.teacher] if cost.teacher else []
    layout = {"xaxis": spread(f"{cost.title} ({cost.unit})", every), "yaxis": y}
    traces = [
        *(budget_line(limit, y, at_top=True) for limit in limits),
        _front(record, cost),
        *_dots(record, known, cost, _foot(y)),
        *_teacher(record, cost),
    ]
    title = f"mAP on validation against {cost.title.lower()}"
    return Drawing(title, (plot(traces, layout, label=_label(record, title), height=380),))


def _label(record: SearchRecord, title: str) -> str:
    chosen = {one.trial for one in record.finalists}
    told = (
        f"trial {one.number}: {tried.figures(one)}" for one in record.trials if one.number in chosen
    )
    return f"{title} of {counted(len(record.trials), 'trial')}; finalists: {'; '.join(told)}"


def _accuracy_axis(record: SearchRecord) -> Json:
    """Return an axis over the trials that came to their end, and the teacher."""
    found = [one.map or 0.0 for one in tried.whole(record)]
    found += [record.teacher_map] if record.teacher_map is not None else []
    low, high = min(found), max(found)
    room = max(high - low, 0.01)
    return axis("mAP on validation", range=[max(0.0, low - 0.25 * room), high + 0.15 * room])


def _x(trial: TrialRecord, cost: _Cost) -> float:
    return cost.scale * (cost.read(trial) or 0.0)


def _limits(record: SearchRecord, cost: _Cost) -> tuple[float, ...]:
    """Return where the budget ends, in the unit of the axis."""
    found = budgets.parse(record.budgets).about(cost.metric)
    whole = cost.teacher
    return tuple(
        cost.scale * one.limit * (whole or 0.0 if one.relative else 1.0)
        for one in found
        if one.form == "value" and (whole is not None or not one.relative)
    )


def _front(record: SearchRecord, cost: _Cost) -> Json:
    """Return the trials within the budget that none beats in this cost and in accuracy."""
    found = [
        (_x(one, cost), one.map or 0.0)
        for one in tried.whole(record)
        if cost.read(one) is not None and all(over <= 0 for over in one.excess.values())
    ]
    best: list[tuple[float, float]] = []
    for point in sorted(found, key=lambda point: (point[0], -point[1])):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return {
        "x": [x for x, _ in best],
        "y": [accuracy for _, accuracy in best],
        "mode": "lines",
        "line": {"color": "var(--muted)", "width": 1.5, "dash": "dot", "shape": "hv"},
        "hoverinfo": "skip",
    }


def _foot(y: Json) -> float:
    low, high = y["range"]
    return float(low + _FOOT * (high - low))


def _dots(record: SearchRecord, known: list[TrialRecord], cost: _Cost, foot: float) -> list[Json]:
    """Return a trace for each kind of trial: those that matter are drawn last."""
    chosen = {one.trial for one in record.finalists}
    kinds = {
        "infeasible": ("x", _FAINT, 6),
        "pruned": ("circle-open", _FAINT, 7),
        "complete": ("circle", _PLAIN, 9),
    }
    rest = [one for one in known if one.number not in chosen]
    traces = [
        _trace([one for one in rest if one.state == state], cost, foot, look)
        for state, look in kinds.items()
    ]
    last = [one for one in known if one.number in chosen and one.number != record.shipped]
    first = [one for one in known if one.number == record.shipped]
    traces.append(_named(_trace(last, cost, foot, ("circle", _CHOSEN, 13)), last))
    traces.append(_named(_trace(first, cost, foot, ("star", _CHOSEN, 18)), first))
    return [trace for trace in traces if trace["x"]]


def _trace(trials: list[TrialRecord], cost: _Cost, foot: float, look: tuple[str, str, int]) -> Json:
    """Return the markers of trials; `look` is their symbol, colour and size."""
    symbol, paint, size = look
    return {
        "x": [_x(one, cost) for one in trials],
        "y": [foot if one.map is None else one.map for one in trials],
        "mode": "markers",
        "hoverinfo": "text",
        "hovertext": [text(_hover(one)) for one in trials],
        "marker": {"size": size, "color": paint, "symbol": symbol},
    }


def _hover(trial: TrialRecord) -> str:
    lines = [f"trial {trial.number}: {tried.STATES[trial.state]}", tried.figures(trial)]
    return "\n".join([*lines, *(f"{n} {tried.shown(v)}" for n, v in trial.choices.items())])


def _named(trace: Json, trials: list[TrialRecord]) -> Json:
    """Return a trace with the numbers of its trials beside them."""
    return {
        **trace,
        "mode": "markers+text",
        "text": [f"{one.number}" for one in trials],
        "textposition": "top center",
        "textfont": {"color": "var(--text)", "size": 12},
        "cliponaxis": False,
    }


def _teacher(record: SearchRecord, cost: _Cost) -> list[Json]:
    if cost.teacher is None or record.teacher_map is None:
        return []
    told = f"teacher, fp32: mAP {fmt.score(record.teacher_map)}"
    return [
        {
            "x": [cost.scale * cost.teacher],
            "y": [record.teacher_map],
            "mode": "markers+text",
            "text": ["teacher"],
            "textposition": "bottom center",
            "textfont": {"color": "var(--text)", "size": 12},
            "hoverinfo": "text",
            "hovertext": [told],
            "cliponaxis": False,
            "marker": {"size": 12, "color": "var(--text)", "symbol": "diamond"},
        }
    ]
