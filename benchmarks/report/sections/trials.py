"""Every trial of a search: how far it came, what it takes, and the commands that make it again."""

from dataclasses import dataclass

from benchmarks.report import format as fmt
from benchmarks.report import tried
from benchmarks.report.page import Values
from benchmarks.report.schema import Report
from edgepress.core.search import SearchRecord, TrialRecord

TITLE = "Trials"
ORDER = 68

_TITLES = ("Trial", "Came", ("mAP", "validation"), "Latency", "Times as fast", "Size", "Epochs",
           "Took", "Made of")  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """A row of the table."""

    name: str
    kind: str
    cells: tuple[str, ...]
    made_of: str
    reason: str
    commands: str


def shown(report: Report) -> bool:
    """Tell whether the models come from a search."""
    return report.searched is not None


def values(report: Report) -> Values:
    """Return a row for each trial, what was searched, and for how long."""
    record = report.searched
    if record is None or not record.trials:
        return "Nothing was tried."
    names = tried.varied(record.trials)
    allowed = "" if record.hours is None else f" of {record.hours:g} h"
    return {
        "titles": _TITLES,
        "rows": [_row(record, one, names) for one in record.trials],
        "spent": f"{record.spent_s / 3600:.2f} h{allowed}, seed {record.seed}",
        "budgets": ", ".join(record.budgets) or "none",
        "gates": ", ".join(record.gates) or "none",
        "space": list(record.space.items()),
    }


def _row(record: SearchRecord, trial: TrialRecord, names: tuple[str, ...]) -> _Line:
    chosen = {one.trial for one in record.finalists}
    ratio = trial.latency_ratio
    return _Line(
        name=str(trial.number),
        kind="kept" if trial.number in chosen else "" if trial.state == "complete" else "dropped",
        cells=(
            tried.STATES[trial.state],
            fmt.score(trial.map) if trial.map is not None else "",
            fmt.duration(trial.latency_s) if trial.latency_s is not None else "",
            f"{1 / ratio:.1f}" if ratio else "",
            fmt.size(trial.size_bytes) if trial.size_bytes is not None else "",
            str(trial.epochs or ""),
            f"{trial.seconds / 60:.1f} min",
        ),
        made_of=tried.made_of(trial, names),
        reason=trial.reason or "",
        commands="\n".join(trial.commands),
    )
