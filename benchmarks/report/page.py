"""A report as one page that opens without a network: its sections, its style, its scripts.

A page is a package with one module a section, found by its name:

* `TITLE` stands above it, and `ORDER` says where it stands;
* `values(report)` returns what its template shows, as plain values and plots, or a sentence that
  stands in its place where there is nothing to show;
* `shown(report)`, where it is there, says whether the page has the section.

The template has the name of the module and stands beside it: `drops.py`, `drops.html.jinja`. Beside
those values it is given the `report` and the names of the `pictures` in the page. `fmt` writes
numbers, `parts` has the pieces that all pages share; everything is escaped.
"""

import base64
import gzip
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
from markupsafe import Markup

from benchmarks.report import figure
from benchmarks.report import format as fmt
from edgepress.core import registry, writable

Values = Mapping[str, Any] | str
"""What a section shows, or why it shows nothing."""
Pictures = Mapping[str, bytes]
"""JPEG by name, for the page alone: the JSON beside it stays small."""

_ROOM = Path(__file__).parents[1]
_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("plots.js", "table.js", "page.js")
"""In the order in which the page runs them: the plots listen to what the table filters."""


@dataclass(frozen=True)
class Page:
    """One kind of page."""

    package: str
    """Where its sections are."""
    name: str
    """What its two files are called."""
    runs: bool = True
    """Whether it has scripts, which draw plots, sort and filter."""

    @property
    def html_file(self) -> str:
        """The page."""
        return f"{self.name}.html"

    @property
    def json_file(self) -> str:
        """The same numbers for programs, beside it."""
        return f"{self.name}.json"

    def write(self, report: Any, out: Path, pictures: Pictures | None = None) -> None:
        """Write both files into the folder `out`, each whole or not at all.

        Raises:
            UserError: they cannot be written.
        """
        writable.write_json(out / self.json_file, report, "The report")
        writable.write_whole(out / self.html_file, self.html(report, pictures), "The report")

    def html(self, report: Any, pictures: Pictures | None = None) -> str:
        """Return a report, which has a title, as HTML."""
        shown = pictures or {}
        layout = _shared().get_template("report/templates/layout.html.jinja")
        return layout.render(
            title=report.title,
            sections=[
                {"slug": name, "title": part.TITLE, "body": fragment(part, report, shown)}
                for name, part in self._sections(report)
            ],
            style=style(),
            pictures={name: _jpeg_uri(jpeg) for name, jpeg in shown.items()},
            plotly=_plotly() if self.runs else None,
            scripts=[_text(name) for name in _SCRIPTS] if self.runs else [],
            json_file=self.json_file,
        )

    def _sections(self, report: Any) -> list[tuple[str, ModuleType]]:
        names = registry.names(self.package)
        found = ((name, registry.find(self.package, name, "section")) for name in names)
        shown = [(name, part) for name, part in found if getattr(part, "shown", _always)(report)]
        return sorted(shown, key=lambda entry: (entry[1].ORDER, entry[0]))


def fragment(section: ModuleType, report: Any, pictures: Container[str] = ()) -> Markup:
    """Return a section as HTML, without its heading.

    Line breaks in a template are for those who read the template.
    """
    found: Values = section.values(report)
    if isinstance(found, str):
        return Markup(_parts(_shared()).missing(found))
    file = Path(section.__file__ or "").with_suffix(".html.jinja")
    template = _shared().get_template(file.relative_to(_ROOM).as_posix())
    made = template.render(found, report=report, pictures=pictures)
    return Markup(_joined(made))


def templates(folder: Path) -> jinja2.Environment:
    """Return the templates of a folder; what they are given is escaped, and nothing may miss."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style() -> Markup:
    """Return the style sheet of all pages."""
    return _text("style.css")


@cache
def _shared() -> jinja2.Environment:
    """Return the templates of all sections, with what they share."""
    made = templates(_ROOM)
    made.globals |= {"fmt": fmt, "figure": figure}
    made.globals["parts"] = _parts(made)
    return made


def _parts(made: jinja2.Environment) -> Any:
    return made.get_template("report/templates/parts.html.jinja").module


def _joined(made: str) -> str:
    """Return HTML on one line: a line break between two tags is nothing, any other a blank."""
    return re.sub(r"\s*\n\s*", " ", re.sub(r">\s*\n\s*<", "><", made)).strip()


def _always(_: object) -> bool:
    return True


def _text(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _jpeg_uri(jpeg: bytes) -> str:
    """Return a JPEG as an address that needs no network."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


@cache
def _plotly() -> str:
    """Return Plotly's script, packed: it is nine tenths of the page otherwise."""
    script = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, mtime=0)).decode()
