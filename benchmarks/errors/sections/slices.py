"""Is the model worse on some of the images?"""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, Slice
from benchmarks.errors.sections._parts import table
from benchmarks.report import format as fmt
from benchmarks.report.figure import missing

TITLE = "Slices"
ORDER = 70

SIGNIFICANT = 0.05
MOST_RECALLS = 8
"""With more labels than this the table shows the lowest recall alone."""
_HEAT_PERCENT = 28


def render(report: ErrorReport) -> str:
    """Return the table of slices."""
    notes = Markup("").join(
        Markup('<p class="note">{}</p>').format(note) for note in report.slice_notes
    )
    if not report.slices:
        return missing("There is no slice to compare.") + notes
    names = [label.name for label in report.labels]
    few = len(names) <= MOST_RECALLS
    recalls = [f"Recall of {name}" for name in names] if few else ["Lowest recall"]
    caption = (
        "Difference: points of mAP against all other images, which are weighed to the same share "
        "of positives of every label, so that a rarer label does not look like a worse model. "
        "Coloured only where it is significant: p ≤ 0.05 after Holm's correction for "
        f"{len(report.slices)} slices. On the first view."
    )
    head = ("Images of", "Images", "mAP", "Difference", *recalls)
    rows = [_row(one, few) for one in report.slices]
    return table("Slices", caption, head, rows) + notes


def _row(one: Slice, few: bool) -> Markup:
    recalls = one.recall if few else _lowest(one)
    cells = (_recall(one, label, value, few) for label, value in recalls.items())
    return Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td>{}{}</tr>').format(
        one.name, one.n, fmt.score(one.map), _difference(one), Markup("").join(cells)
    )


def _lowest(one: Slice) -> dict[str, float | None]:
    known = {label: value for label, value in one.recall.items() if value is not None}
    if not known:
        return {"": None}
    label = min(known, key=known.__getitem__)
    return {label: known[label]}


def _recall(one: Slice, label: str, value: float | None, few: bool) -> Markup:
    if value is None:
        return Markup('<td class="missing">{}<small>none has it</small></td>').format(fmt.UNDEFINED)
    told = f"of {one.positives[label]}" if few else f"{label}, of {one.positives[label]}"
    return Markup("<td>{}<small>{}</small></td>").format(fmt.score(value), told)


def _difference(one: Slice) -> Markup:
    value = one.difference.value
    if value is None or one.p_holm is None:
        return Markup('<td class="missing">{}</td>').format(fmt.UNDEFINED)
    significant = one.p_holm <= SIGNIFICANT
    mark = ("▼ " if value < 0 else "▲ ") if significant else ""
    paint = (
        Markup(' class="{}" style="--heat:{}%"').format(
            "worse" if value < 0 else "better", _HEAT_PERCENT
        )
        if significant
        else ""
    )
    p = "p < 0.001" if one.p_holm < 0.001 else f"p {one.p_holm:.3f}"
    return Markup("<td{}>{}{}<small>{}</small><small>{}</small></td>").format(
        paint, mark, fmt.points(value), fmt.interval(one.difference.ci95, fmt.points), p
    )
