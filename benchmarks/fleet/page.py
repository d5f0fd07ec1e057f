"""Write the report: `fleet.json` for programs, `fleet.html` to look at."""

from pathlib import Path

from benchmarks.fleet import sections
from benchmarks.fleet.schema import FleetReport
from benchmarks.report.page import page
from edgepress.core import writable

HTML, JSON = "fleet.html", "fleet.json"
_STYLE = Path(__file__).with_name("style.css")


def write(report: FleetReport, out: Path) -> None:
    """Write the two files into the folder `out`, each whole or not at all.

    Raises:
        UserError: they cannot be written.
    """
    writable.write_whole(out / JSON, report.model_dump_json(indent=1) + "\n")
    writable.write_whole(out / HTML, html(report))


def html(report: FleetReport) -> str:
    """Return the report as one page that opens without a network."""
    style = _STYLE.read_text(encoding="utf-8")
    return page(report, sections.__name__, JSON, style=style)
