"""Write a report: `report.json` for programs, `report.md` for pull requests, `report.html`."""

from pathlib import Path

from benchmarks.report import sections
from benchmarks.report.markdown import markdown, models_table_md
from benchmarks.report.page import Thumbnails, page
from benchmarks.report.schema import Report

__all__ = ["html", "markdown", "models_table_md", "write"]

JSON = "report.json"


def write(report: Report, out: Path, thumbnails: Thumbnails | None = None) -> None:
    """Write the report's three files into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / JSON).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    (out / "report.html").write_text(html(report, thumbnails), encoding="utf-8")


def html(report: Report, thumbnails: Thumbnails | None = None) -> str:
    """Return the report as one page that opens without a network."""
    return page(report, sections.__name__, JSON, thumbnails)
