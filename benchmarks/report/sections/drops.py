"""Where the models lost accuracy: the drop of every label against the first model."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.columns import MOST_LABELS
from benchmarks.report.figure import label_names, missing, model_name
from benchmarks.report.schema import LabelDrop, Report
from benchmarks.report.significance import SIGNIFICANT, heat, p_text

TITLE = "Drops per label"
ORDER = 45


def render(report: Report) -> str:
    """Return the heat map, models by labels."""
    labels = [x for x in label_names(report) if any(x in m.label_drops for m in report.models)]
    if not labels:
        return missing("No model was compared with the first one image by image.")
    rows = [
        _row(report, place, labels)
        for place, model in enumerate(report.models)
        if model.label_drops
    ]
    dense = len(labels) > MOST_LABELS
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(label) for label in labels)
    return Markup(
        '<p class="lead">How many points of average precision each label lost against {}, on the '
        "same images; a minus is a gain. Coloured and marked ▼ or ▲ only where the change is "
        "significant: p ≤ 0.05 after Holm's correction for looking at {}.</p>"
        '<div class="scroll" role="region" aria-label="Drops per label" tabindex="0">'
        '<table class="plain heat{}"><caption>{}</caption><thead><tr><th scope="col">Model</th>{}'
        "</tr></thead><tbody>{}</tbody></table></div>"
    ).format(
        report.models[0].name,
        f"all {len(labels)} labels" if len(labels) > 1 else "one label",
        " dense" if dense else "",
        f"Points of AP lost; {'on hover' if dense else 'small print'}: 95% interval and p.",
        head,
        Markup("").join(rows),
    )


def _row(report: Report, place: int, labels: list[str]) -> Markup:
    drops = report.models[place].label_drops
    cells = Markup("").join(_cell(label, drops.get(label)) for label in labels)
    return Markup('<tr data-place="{}"><th scope="row">{}</th>{}</tr>').format(
        place, model_name(report, place), cells
    )


def _cell(label: str, found: LabelDrop | None) -> Markup:
    if found is None:
        return Markup('<td class="missing">{}</td>').format(fmt.UNDEFINED)
    ends = fmt.interval(found.ci95, fmt.drop)
    p_value = p_text(found.p_holm)
    told = f"{label}: {fmt.drop(found.drop)} points lost, 95% interval {ends}, {p_value}"
    paint = heat(found.drop) if _significant(found) else ""
    return Markup(
        '<td{0} title="{1}"><span class="unseen">{1}</span>'
        '<span aria-hidden="true">{2}{3}<small>{4}</small><small>{5}</small></span></td>'
    ).format(paint, told, _mark(found), fmt.drop(found.drop), ends, p_value)


def _significant(found: LabelDrop) -> bool:
    return found.p_holm <= SIGNIFICANT and found.drop != 0


def _mark(found: LabelDrop) -> str:
    if not _significant(found):
        return ""
    return "▼ " if found.drop > 0 else "▲ "
