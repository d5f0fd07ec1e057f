"""Is the model worse on some of the images?"""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, Slice, SliceRecall
from benchmarks.errors.sections._parts import table
from benchmarks.report import format as fmt
from benchmarks.report.figure import missing

TITLE = "Slices"
ORDER = 70

SIGNIFICANT = 0.05
MOST_RECALLS = 8
"""With more labels than this the table shows one recall alone."""
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
    recalls = [f"Recall of {name}" for name in names] if few else ["Recall furthest below the rest"]
    caption = (
        "Difference: points of mAP against all other images, which are weighed to the same share "
        "of positives of every label, so that a rarer label does not look like a worse model. "
        f"Coloured only where it is significant: p ≤ 0.05 after Holm's correction for all "
        f"{len(report.slices)} slices, of recall (Fisher's exact test) for all labels too. On the "
        "first view."
    )
    head = ("Images of", "Images", "mAP", "Difference", *recalls)
    rows = [_row(one, few) for one in report.slices]
    return table("Slices", caption, head, rows) + notes


def _row(one: Slice, few: bool) -> Markup:
    recalls = one.recall if few else _lowest(one)
    cells = (_recall(label, found, few) for label, found in recalls.items())
    return Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td>{}{}</tr>').format(
        one.name, one.n, fmt.score(one.map), _difference(one), Markup("").join(cells)
    )


def _lowest(one: Slice) -> dict[str, SliceRecall]:
    """Return the recall that is most surely lower than the rest's, else the lowest."""
    known = {
        label: found for label, found in one.recall.items() if found.value is not None
    } or one.recall

    def order(label: str) -> tuple[float, float]:
        found = known[label]
        p = 1.0 if found.p_holm is None or not _lower(found) else found.p_holm
        return p, found.value or 0.0

    label = min(known, key=order)
    return {label: known[label]}


def _lower(found: SliceRecall) -> bool:
    return found.value is not None and found.rest is not None and found.value < found.rest


def _recall(label: str, found: SliceRecall, few: bool) -> Markup:
    if found.value is None:
        return Markup('<td class="missing">{}<small>none has it</small></td>').format(fmt.UNDEFINED)
    told = f"of {found.positives}; rest {fmt.score(found.rest)}"
    paint, mark = _significance(found.p_holm, not _lower(found))
    return Markup("<td{}>{}{}<small>{}</small></td>").format(
        paint, mark, fmt.score(found.value), told if few else f"{label}, {told}"
    )


def _difference(one: Slice) -> Markup:
    value = one.difference.value
    if value is None or one.p_holm is None:
        return Markup('<td class="missing">{}</td>').format(fmt.UNDEFINED)
    paint, mark = _significance(one.p_holm, value >= 0)
    p = "p < 0.001" if one.p_holm < 0.001 else f"p {one.p_holm:.3f}"
    return Markup("<td{}>{}{}<small>{}</small><small>{}</small></td>").format(
        paint, mark, fmt.points(value), fmt.interval(one.difference.ci95, fmt.points), p
    )


def _significance(p_holm: float | None, better: bool) -> tuple[Markup, str]:
    """Return the colour and the mark of a cell: none where it may be chance."""
    if p_holm is None or p_holm > SIGNIFICANT:
        return Markup(""), ""
    paint = Markup(' class="{}" style="--heat:{}%"').format(
        "better" if better else "worse", _HEAT_PERCENT
    )
    return paint, "▲ " if better else "▼ "
