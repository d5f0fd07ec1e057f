"""Write a report: `report.json` for programs, `report.md` for pull requests, `report.html`."""

from pathlib import Path

from benchmarks.report.markdown import markdown
from benchmarks.report.page import Pictures
from benchmarks.report.schema import Report
from benchmarks.report.sections import PAGE
from edgepress.core import writable


def write(report: Report, out: Path, pictures: Pictures | None = None) -> None:
    """Write the report's three files into the folder `out`, each whole or not at all.

    Raises:
        UserError: they cannot be written.
    """
    PAGE.write(report, out, pictures)
    writable.write_whole(out / "report.md", markdown(report), "The report")
