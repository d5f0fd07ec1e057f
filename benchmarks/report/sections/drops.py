"""Where the models lost accuracy: the drop of every label against the first model."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, marked
from benchmarks.report.columns import MOST_LABELS
from benchmarks.report.of_models import label_names
from benchmarks.report.page import Values
from benchmarks.report.schema import LabelDrop, Report
from benchmarks.report.significance import SIGNIFICANT, heat, p_text

TITLE = "Drops per label"
ORDER = 45


def values(report: Report) -> Values:
    """Return the heat map, models by labels."""
    labels = [x for x in label_names(report) if any(x in m.label_drops for m in report.models)]
    if not labels:
        return "No model was compared with the first one image by image."
    rows = [
        Row(tuple(_cell(label, model.label_drops.get(label)) for label in labels), place)
        for place, model in enumerate(report.models)
        if model.label_drops
    ]
    return {"labels": labels, "rows": rows, "dense": len(labels) > MOST_LABELS}


def _cell(label: str, found: LabelDrop | None) -> Cell:
    if found is None:
        return Cell(fmt.UNDEFINED)
    ends, p = fmt.interval(found.ci95, fmt.drop), p_text(found.p_holm)
    told = f"{label}: {fmt.drop(found.drop)} points lost, 95% interval {ends}, {p}"
    cell = Cell(fmt.drop(found.drop), ends, more=p, told=told)
    sure = found.p_holm <= SIGNIFICANT and found.drop != 0
    return marked(cell, found.drop < 0, heat(found.drop)) if sure else cell
