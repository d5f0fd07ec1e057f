"""Write the report of errors: `errors.json` for programs, `errors.html` to look at."""

from pathlib import Path

from benchmarks.errors import sections
from benchmarks.errors.schema import ErrorReport
from benchmarks.report.page import Thumbnails, page

HTML, JSON = "errors.html", "errors.json"
_STYLE = Path(__file__).with_name("style.css")


def write(report: ErrorReport, out: Path, pictures: Thumbnails | None = None) -> None:
    """Write the two files into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / JSON).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (out / HTML).write_text(html(report, pictures), encoding="utf-8")


def html(report: ErrorReport, pictures: Thumbnails | None = None) -> str:
    """Return the report as one page that opens without a network."""
    style = _STYLE.read_text(encoding="utf-8")
    return page(report, sections.__name__, JSON, pictures, style)
