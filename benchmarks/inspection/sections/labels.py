"""How often each label occurs."""

from benchmarks.inspection.schema import DataReport, LabelFacts
from benchmarks.inspection.sections._parts import number
from benchmarks.report import format as fmt
from benchmarks.report.figure import Bar, Mark
from benchmarks.report.page import Values

TITLE = "Labels"
ORDER = 10

MOST_LABELS = 100
ONE_PANEL = 6
"""More labels than these stand in two panels."""


def values(report: DataReport) -> Values:
    """Return a bar for each label."""
    bars = [_bar(label, report.mean_ir) for label in report.labels[:MOST_LABELS]]
    half = -(-len(bars) // 2) if len(bars) > ONE_PANEL else len(bars)
    return {
        "mean_ir": number(report.mean_ir),
        "shown": len(bars),
        "panels": [part for part in (bars[:half], bars[half:]) if part],
    }


def _bar(label: LabelFacts, mean_ir: float | None) -> Bar:
    remarks = [f"{label.positives:,} images"]
    if label.ir_lbl is not None:
        rare = mean_ir is not None and label.ir_lbl > mean_ir
        remarks.append(f"{'▼ ' if rare else ''}IRLbl {number(label.ir_lbl)}")
    if label.unknown:
        remarks.append(f"{label.unknown:,} unknown")
    mark = Mark("bar", 100 * (label.prevalence or 0), colour="var(--m1)")
    return Bar(fmt.percent(label.prevalence), ", ".join(remarks), (mark,), name=label.name)
