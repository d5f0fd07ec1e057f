"""The tables of the self-test, made of the stored figures of its parts."""

from pathlib import Path
from typing import get_args

from benchmarks.claims.selftest import coverage
from benchmarks.claims.selftest.check import Part, Result, check_table
from benchmarks.report.markdown import table_md


def tables(folder: Path) -> dict[Path, str]:
    """Return the table of all checks, and of how often intervals hold the truth, by their files."""
    files = (folder / f"{part}.json" for part in get_args(Part))
    found = [Result.model_validate_json(file.read_text()) for file in files if file.is_file()]
    made = {folder / "selftest.md": check_table(check for part in found for check in part.checks)}
    for part in found:
        if part.cells:
            made[folder / f"{part.part}.md"] = _cells(part)
    return made


def _cells(found: Result) -> str:
    """Return how often the intervals of mAP hold the truth, and how the table is read."""
    header, rows = coverage.table(found.cells)
    told = f"{coverage.of_population(found.cells)} Made by `{found.command}`."
    return f"{table_md(header, rows, left={0})}\n\n{told}"
