"""How far a search is: a line after each trial, and `python -m compress.search status`."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from compress.searching import finalists
from compress.searching.bench import Bench
from compress.searching.finalists import choices, free
from edgepress.core import console, duration
from edgepress.core.errors import UserError
from edgepress.core.search import SEARCH_FILE, SearchRecord, TrialRecord
from edgepress.core.wording import counted

HEADER = ("trial", "state", "epochs", "mAP", "latency", "times as fast", "size", "made of")


def begun(record: TrialRecord, bench: Bench, goes_on: bool = False) -> str:
    """Return which trial is worked on, and what of it could be another."""
    names = [name for name, one in bench.frame.space.items() if one.value is None]
    how = " goes on" if goes_on else ""
    return f"trial {record.number}{how}: {choices(record, names)}"


def progress(record: TrialRecord, bench: Bench) -> str:
    """Return what has come of a trial, the best so far, and what remains."""
    records = [bench.seen(one) for one in bench.ledger.records()]
    why = f": {record.reason}" if record.reason else ""
    parts = [
        f"trial {record.number} {record.state}: {figures(record)}{why}",
        best_so_far(records),
        _left(records, bench),
    ]
    return "\n  ".join(parts)


def best_so_far(records: Sequence[TrialRecord]) -> str:
    """Return the best trial within the budget in a few words."""
    found = finalists.best(records)
    if found is None:
        return "no trial has come to its end within the budget yet"
    made = choices(found, free(records))
    return f"best so far: trial {found.number}, {figures(found)}" + (f" ({made})" if made else "")


def _left(records: Sequence[TrialRecord], bench: Bench) -> str:
    tried = f"{counted(len(records), 'trial')} so far"
    if bench.config.hours is None:
        return tried
    seconds = max(0.0, bench.left_s())
    return f"{tried}, {duration.shown(round(seconds / 60) * 60)} left for trials"


def figures(record: TrialRecord) -> str:
    """Return what is known of a trial's file in a few words."""
    return ", ".join(part for part in _cells(record) if part != "-") or "nothing measured"


def _cells(record: TrialRecord) -> tuple[str, ...]:
    return (
        "-" if record.map is None else f"mAP {record.map:.3f}",
        "-" if record.latency_s is None else f"{1e3 * record.latency_s:.3g} ms",
        "-" if not record.latency_ratio else f"{1 / record.latency_ratio:.1f}x",
        "-" if record.size_bytes is None else f"{record.size_bytes / 1e6:.2f} MB",
    )


def status(out: Path) -> None:
    """Show the trials of a search, the best so far and how long it took.

    Raises:
        UserError: there is no search.
    """
    record = _read(out)
    names = free(record.trials)
    rows = [
        (str(one.number), one.state, str(one.epochs), *_cells(one), choices(one, names))
        for one in record.trials
    ]
    console.table(f"Trials of {out}", HEADER, rows)
    console.result(best_so_far(record.trials))
    for one in record.finalists:
        outcomes = ", ".join(f"{verdict.gate}: {verdict.outcome}" for verdict in one.verdicts)
        console.result(f"finalist {one.trial}: {one.why}; {outcomes or 'not judged yet'}")
    hours = "" if record.hours is None else f" of {record.hours:g} h"
    console.result(f"{counted(len(record.trials), 'trial')}, {record.spent_s / 3600:.2f} h{hours}")


def _read(out: Path) -> SearchRecord:
    file = out / SEARCH_FILE
    try:
        return SearchRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        why = "there is none" if isinstance(error, OSError) else "it is of another version"
        raise UserError(
            f"No search can be shown ({why})",
            got=file,
            next_step="python -m compress.search --budget 'size <= 1MB' --out DIR",
        ) from None
