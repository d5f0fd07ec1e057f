"""Write a report: `report.json` for programs, `report.md` for pull requests, `report.html`."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from benchmarks.report import sections
from benchmarks.report.markdown import markdown, models_table_md
from benchmarks.report.schema import Report
from compress.core import page, registry

__all__ = ["html", "markdown", "models_table_md", "write"]

_HERE = Path(__file__).parent
_SCRIPTS = ("plots.js", "table.js", "page.js")
"""In the order in which the page runs them: the plots listen to what the table filters."""

Thumbnails = Mapping[str, bytes]
"""JPEG by image id, for the page alone: `report.json` stays small."""


@dataclass(frozen=True)
class _Section:
    slug: str
    title: str
    body: Markup


def write(report: Report, out: Path, thumbnails: Thumbnails | None = None) -> None:
    """Write the report's three files into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    (out / "report.html").write_text(html(report, thumbnails), encoding="utf-8")


def html(report: Report, thumbnails: Thumbnails | None = None) -> str:
    """Return the report as one page that opens without a network."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html.jinja").render(
        report=report,
        sections=_sections(report),
        style=page.style(),
        thumbnails={name: page.jpeg_uri(jpeg) for name, jpeg in (thumbnails or {}).items()},
        plotly=_plotly(),
        scripts=[_text(name) for name in _SCRIPTS],
    )


def _text(name: str) -> Markup:
    return Markup((_HERE / name).read_text(encoding="utf-8"))


@cache
def _plotly() -> str:
    """Return Plotly's script, packed: it is nine tenths of the page otherwise."""
    script = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, mtime=0)).decode()


def _always(_: Report) -> bool:
    return True


def _sections(report: Report) -> list[_Section]:
    package = sections.__name__
    found = [(name, registry.find(package, name, "section")) for name in registry.names(package)]
    found = [(name, part) for name, part in found if getattr(part, "shown", _always)(report)]
    found.sort(key=lambda entry: (entry[1].ORDER, entry[0]))
    return [_Section(name, part.TITLE, Markup(part.render(report))) for name, part in found]
