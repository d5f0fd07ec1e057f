"""Write the report: `robustness.json` for programs, `robustness.html` to look at."""

from pathlib import Path

from benchmarks.report.page import Thumbnails, page
from benchmarks.robustness import sections
from benchmarks.robustness.schema import RobustnessReport
from edgepress.core import writable

HTML, JSON = "robustness.html", "robustness.json"
_STYLE = Path(__file__).with_name("style.css")


def write(report: RobustnessReport, out: Path, pictures: Thumbnails | None = None) -> None:
    """Write the two files into the folder `out`, each whole or not at all.

    Raises:
        UserError: they cannot be written.
    """
    writable.write_whole(out / JSON, report.model_dump_json(indent=1) + "\n")
    writable.write_whole(out / HTML, html(report, pictures))


def html(report: RobustnessReport, pictures: Thumbnails | None = None) -> str:
    """Return the report as one page that opens without a network."""
    style = _STYLE.read_text(encoding="utf-8")
    return page(report, sections.__name__, JSON, pictures, style)
