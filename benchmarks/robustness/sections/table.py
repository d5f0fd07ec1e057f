"""mAP under each corruption and what was lost against the first model."""

from collections.abc import Iterator

from markupsafe import Markup

from benchmarks.errors.schema import Estimate
from benchmarks.errors.sections._parts import estimate, table
from benchmarks.report import format as fmt
from benchmarks.report.figure import model_name
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness, RobustnessReport
from benchmarks.robustness.sections._parts import drop

TITLE = "By corruption"
ORDER = 20


def render(report: RobustnessReport) -> str:
    """Return a row for the clean images, one for each corruption, and one for their mean."""
    rows = [_row("none", [_clean(report, model) for model in report.models])]
    for name in report.models[0].corruptions:
        found = [model.corruptions[name] for model in report.models]
        rows.append(_row(name, [_cells(place, entry) for place, entry in enumerate(found)]))
    together = [_cells(place, model.all) for place, model in enumerate(report.models)]
    rows.append(_row("all, mean", together))
    caption = (
        "mAP, mean over the strengths. Beyond clean: points lost against the first model on top of "
        "those lost on clean images, with the 95% interval of the difference, paired over images; "
        "coloured where the interval leaves 0 out."
    )
    return table("mAP by corruption", caption, ["Corruption", *_heads(report)], rows)


def _heads(report: RobustnessReport) -> Iterator[Markup]:
    for place in range(len(report.models)):
        yield model_name(report, place)
        if place:
            yield Markup("Beyond clean (points)")


def _row(name: str, cells: list[Markup]) -> Markup:
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, Markup("").join(cells))


def _clean(report: RobustnessReport, model: ModelRobustness) -> Markup:
    cell = estimate(model.clean)
    if model is report.models[0]:
        return cell
    ends = fmt.interval(model.clean_drop.ci95, fmt.drop)
    return Markup("{}<td>clean: {}<small>{}</small></td>").format(
        cell, drop(model.clean_drop), ends
    )


def _cells(place: int, entry: CorruptionEntry) -> Markup:
    low = f"{fmt.score(entry.map[0])} to {fmt.score(entry.map[-1])}"
    cell = Markup("<td>{}<small>{}</small></td>").format(fmt.score(entry.mean), low)
    if not place:
        return cell
    ends = fmt.interval(entry.beyond.ci95, fmt.drop)
    return Markup("{}<td{}>{}<small>{}</small></td>").format(
        cell, _shade(entry.beyond), drop(entry.beyond), ends
    )


def _shade(found: Estimate) -> Markup:
    """Return the class of a cell whose interval leaves 0 out."""
    if found.ci95 is None or found.ci95[0] <= 0 <= found.ci95[1]:
        return Markup("")
    strength = min(60, round(15 + 400 * abs(found.value or 0.0)))
    kind = "worse" if found.ci95[0] > 0 else "better"
    return Markup(' class="{}" style="--heat:{}%"').format(kind, strength)
