"""What a comparison comes to: the verdict in words and the figures that go with it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.report import format as fmt
from benchmarks.report import recommended
from benchmarks.report.of_models import settings
from benchmarks.report.schema import Interval, ModelEntry, Report, Verdict
from edgepress.core.wording import counted

_TITLES = {
    "pass": "Ready to ship",
    "fail": "Not ready to ship",
    "inconclusive": "Not decided",
    None: "Measured, not judged",
}


class Figure(NamedTuple):
    """A key figure: what it is, its value, and where it comes from."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class Summary:
    """The head of a report."""

    verdict: Verdict | None
    """`None` where no gate was set, so that there was nothing to pass."""
    title: str
    sentence: str
    figures: tuple[Figure, ...]


def summary(report: Report) -> Summary:
    """Return the head of a report."""
    counts = Counter(gate.verdict for model in report.models for gate in model.gates)
    verdict = report.verdict if counts or report.verdict != "pass" else None
    found = report.recommendation
    if found is not None:  # the question was which model to take
        told = f"{recommended.sentence(report)} {_counts(counts)}"
        figures = tuple(_figures(report, counts))
        return Summary(found.verdict, recommended.headline(found), told, figures)
    parts = (tried(report), _comparison(report), _counts(counts))
    sentence = " ".join(part for part in parts if part)
    return Summary(verdict, _TITLES[verdict], sentence, tuple(_figures(report, counts)))


def tried(report: Report) -> str:
    """Return among how many a search has chosen; empty without one."""
    found = report.searched
    if found is None:
        return ""
    whole = sum(one.state == "complete" for one in found.trials)
    finalists = counted(len(found.finalists), "finalist")
    return (
        f"A search tried {counted(len(found.trials), 'student')} on validation images, {whole} to "
        f"the end; the test images saw {finalists}, each with its share of the error that a gate "
        "allows."
    )


def candidate(report: Report) -> ModelEntry | None:
    """Return the model that the report is about: the one chosen, else the last with gates."""
    chosen = report.recommendation.chosen if report.recommendation else None
    if report.searched is not None and report.searched.leading is not None:
        chosen = report.searched.leading.model
    for model in report.models:
        if model.name == chosen:
            return model
    gated = [model for model in report.models if model.gates]
    return next(reversed(gated or report.models), None)


def map_change(report: Report, model: ModelEntry) -> tuple[float | None, Interval | None]:
    """Return a model's mAP minus that of the first model, and the paired 95% interval if known.

    Where a label is defined for one of the two alone, their mAPs are means of different things: no
    difference.
    """
    first = report.models[0]
    if first.map is None or model.map is None or _defined(first) != _defined(model):
        return None, None
    drop = model.map_drop_ci95 or _gated_drop(first, model)
    return model.map - first.map, (-drop[1], -drop[0]) if drop else None


def _gated_drop(first: ModelEntry, model: ModelEntry) -> Interval | None:
    """Return the interval that a gate on the drop of mAP against the first model found."""
    for gate in model.gates:
        if gate.gate.startswith("map drop") and gate.against == first.name:
            return gate.ci95
    return None


def main_setting(report: Report, model: ModelEntry) -> str | None:
    """Return the latency setting to speak about: one CPU thread, else the model's first."""
    known = [name for name in settings(report) if name in model.latency_s]
    return "cpu:1" if "cpu:1" in known else next(iter(known), None)


def _defined(model: ModelEntry) -> set[str]:
    return {label for label, value in model.ap.items() if value is not None}


def _counts(counts: Counter[Verdict]) -> str:
    total = sum(counts.values())
    if total == 0:
        return "No gate was set, so there was nothing to pass or to fail."
    parts = [f"{counts['pass']} of {total} gates passed"]
    if counts["fail"]:
        parts.append(f"{counts['fail']} failed")
    if counts["inconclusive"]:
        parts.append(f"{counts['inconclusive']} could not be decided")
    return ", ".join(parts) + "."


def _comparison(report: Report) -> str:
    model = candidate(report)
    if model is None or model is report.models[0]:
        return ""
    first = report.models[0]
    told = [fmt.change(first.size_bytes, model.size_bytes, "smaller", "larger")]
    speedup = model.speedup.get(main_setting(report, model) or "")
    told.append(fmt.factor(speedup.ratio, "faster", "slower") if speedup else "")
    told = [text for text in told if text and text != fmt.UNCHANGED]
    parts = [f"{model.name} is {' and '.join(told)} compared with {first.name}"] if told else []
    difference, ci95 = map_change(report, model)
    if difference is not None:
        ends = f" (95% interval {fmt.interval(ci95, fmt.points)})" if ci95 else ""
        whose = "its" if parts else f"{model.name}: its"
        parts.append(f"{whose} mAP changes by {fmt.points(difference)} points{ends}")
    return "; ".join(parts) + "." if parts else ""


def _figures(report: Report, counts: Counter[Verdict]) -> Iterator[Figure]:
    model = candidate(report)
    if model is not None:
        first = report.models[0]
        yield _size(first, model)
        yield _speed(report, first, model)
        yield _accuracy(report, first, model)
    total = sum(counts.values())
    if total:
        rest = [f"{counts['fail']} failed"] if counts["fail"] else []
        rest += [f"{counts['inconclusive']} not decided"] if counts["inconclusive"] else []
        yield Figure(
            "Gates passed", f"{counts['pass']} of {total}", ", ".join(rest) or "all of them"
        )


def _size(first: ModelEntry, model: ModelEntry) -> Figure:
    if model is first:
        return Figure("Size", fmt.size(model.size_bytes), "on disk")
    value = fmt.change(first.size_bytes, model.size_bytes, "smaller", "larger")
    detail = f"{fmt.size(first.size_bytes)} → {fmt.size(model.size_bytes)}"
    return Figure("Size", value or fmt.UNDEFINED, detail)


def _speed(report: Report, first: ModelEntry, model: ModelEntry) -> Figure:
    name = main_setting(report, model)
    if name is None:
        return Figure("Latency", fmt.NOT_MEASURED, "no run of this model was timed")
    p50 = fmt.duration(model.latency_s[name].p50)
    speedup = model.speedup.get(name)
    if model is first or speedup is None:
        return Figure("Latency", p50, f"median, {fmt.setting(name)}")
    before = first.latency_s.get(name)
    detail = f"{fmt.duration(before.p50)} → {p50}" if before else p50
    ends = fmt.interval(speedup.ci95, fmt.ratio)
    value = fmt.factor(speedup.ratio, "faster", "slower") or fmt.UNDEFINED
    return Figure("Latency", value, f"{detail} on {fmt.setting(name)}; 95% interval {ends}")


def _accuracy(report: Report, first: ModelEntry, model: ModelEntry) -> Figure:
    if model.map is None:
        return Figure("Accuracy", fmt.NOT_MEASURED, "no mAP")
    ends = fmt.interval(model.map_ci95)
    difference, ci95 = map_change(report, model)
    if model is first or difference is None:
        detail = f"95% interval {ends}" if ends else "no interval"
        return Figure("Accuracy (mAP)", fmt.score(model.map), detail)
    detail = f"mAP {fmt.score(first.map)} → {fmt.score(model.map)}"
    told = fmt.interval(ci95, fmt.points)
    detail += f"; 95% interval {told}" if told else "; interval not measured"
    return Figure("Accuracy", f"{fmt.points(difference)} points", detail)
