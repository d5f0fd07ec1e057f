"""The decisions that are different from another model's."""

from markupsafe import Markup

from benchmarks.errors.changes import p_values
from benchmarks.errors.schema import Changes, ErrorReport, LabelChange
from benchmarks.errors.sections._parts import table
from benchmarks.report import format as fmt
from benchmarks.report.sections.flips import flip_item

TITLE = "What changed"
ORDER = 15


def shown(report: ErrorReport) -> bool:
    """Tell whether another model was given."""
    return report.changes is not None


def render(report: ErrorReport) -> str:
    """Return, for each label, what turned right and wrong, and on which images."""
    found = report.changes
    assert found is not None
    told = (
        f"Against {found.model}, on the same images: {fmt.percent(found.share)} of the decisions "
        f"are the same (95% interval {fmt.interval(found.ci95, fmt.percent)})"
    )
    if found.map_drop.value is not None and found.map_drop.ci95 is not None:
        low, high = found.map_drop.ci95
        ends = fmt.interval((-high, -low), fmt.points)
        told += f"; mAP changes by {fmt.points(-found.map_drop.value)} points (95% interval {ends})"
    head = ("Label", "Turned wrong", "Turned right", "Truth unknown", "p", "AP, points")
    rows = [_row(one, p) for one, p in zip(found.labels, p_values(found), strict=True)]
    caption = (
        "Each model decides at its own thresholds. p: as many turn right as wrong (McNemar's exact "
        "test, Holm's correction for all labels)."
    )
    groups = Markup("").join(_group(found, one) for one in found.labels if one.flips)
    return Markup('<p class="lead">{}.</p>{}<div class="flipped">{}</div>').format(
        told, table("What changed", caption, head, rows), groups
    )


def _row(one: LabelChange, p: float) -> Markup:
    told = "< 0.001" if p < 0.001 else f"{p:.3f}"
    lost = (fmt.UNDEFINED, "") if one.drop is None else (
        fmt.points(-one.drop.drop), fmt.interval((-one.drop.ci95[1], -one.drop.ci95[0]), fmt.points)
    )  # fmt: skip
    return Markup(
        '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td>'
        "<td>{}<small>{}</small></td></tr>"
    ).format(one.label, one.now_wrong, one.now_right, one.unknown, told, *lost)


def _group(found: Changes, one: LabelChange) -> Markup:
    total = one.now_wrong + one.now_right + one.unknown
    shown_flips = f"{len(one.flips)} of {total}" if len(one.flips) < total else f"all {total}"
    flips = Markup("").join(flip_item(flip, found.files[flip.image_id]) for flip in one.flips)
    is_open = Markup(" open") if one is max(found.labels, key=lambda x: x.now_wrong) else ""
    return Markup(
        '<details class="card flips"{}><summary><span class="model">{}</span> <span>{} turned '
        "wrong, {} right; {} shown, the largest change of probability first</span></summary>"
        "<ul>{}</ul></details>"
    ).format(is_open, one.label, one.now_wrong, one.now_right, shown_flips, flips)
