"""Write an inspection: `data.json` for programs, `data.html` for people."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.inspection import sections, sections_images
from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import DataReport
from benchmarks.report import html as page
from edgepress.core import writable
from edgepress.data.images import BadImage, look_at, small_jpeg

Pictures = dict[str, str]
"""Addresses of small pictures by file name."""


def write(report: DataReport, opened: Opened, out: Path) -> None:
    """Write both files into the folder `out`, each whole or not at all."""
    writable.write_whole(out / "data.json", report.model_dump_json(indent=1) + "\n")
    writable.write_whole(out / "data.html", html(report, _pictures(report, opened)))


def html(report: DataReport, pictures: Pictures) -> str:
    """Return the inspection as one page that opens without a network and runs nothing."""
    shown = (
        page.Section("verdict", "What was found", sections.found(report)),
        page.Section("labels", "Labels", sections.labels(report)),
        page.Section("together", "Labels that occur together", sections.together(report)),
        page.Section("sizes", "Image sizes", sections.sizes(report)),
        page.Section("unreadable", "Unreadable files", sections_images.unreadable(report)),
        page.Section("copies", "Duplicates", sections_images.copies(report, pictures)),
        page.Section("suspects", "Suspicious labels", sections_images.suspects(report, pictures)),
        page.Section("certifiable", "What a test can certify", sections.certifiable(report)),
    )
    return (
        page.templates(Path(__file__).parent)
        .get_template("page.html.jinja")
        .render(report=report, sections=shown, style=page.style())
    )


def _pictures(report: DataReport, opened: Opened) -> Pictures:
    """Return a small copy of every image that the page shows."""
    return {
        name: address
        for name in set(sections_images.shown_files(report))
        for address in _picture(opened.folder / name)
    }


def _picture(path: Path) -> Iterator[str]:
    try:
        yield page.jpeg_uri(small_jpeg(look_at(path).image))
    except BadImage:
        return  # it has gone since the survey: the page shows the name in its place
