"""A report as one page that opens without a network: its sections, its style, its scripts."""

import base64
import gzip
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.report import html as pages
from edgepress.core import registry

_HERE = Path(__file__).parent
_SCRIPTS = ("plots.js", "table.js", "page.js")
"""In the order in which the page runs them: the plots listen to what the table filters."""

Thumbnails = Mapping[str, bytes]
"""JPEG by image id, for the page alone: the JSON beside it stays small."""


def page(
    report: Any, package: str, json_name: str, thumbnails: Thumbnails | None = None, style: str = ""
) -> str:
    """Return a report, which has a title, as HTML.

    Args:
        report: What every section is given.
        package: Where the sections are, one file each.
        json_name: File beside the page with the same numbers.
        thumbnails: Pictures that the sections show.
        style: CSS beside that of every page.
    """
    return (
        pages.templates(_HERE)
        .get_template("template.html.jinja")
        .render(
            report=report,
            sections=_sections(report, package),
            style=pages.style() + Markup(style),
            thumbnails={name: pages.jpeg_uri(jpeg) for name, jpeg in (thumbnails or {}).items()},
            plotly=_plotly(),
            scripts=[_text(name) for name in _SCRIPTS],
            json_name=json_name,
        )
    )


def _text(name: str) -> Markup:
    return Markup((_HERE / name).read_text(encoding="utf-8"))


@cache
def _plotly() -> str:
    """Return Plotly's script, packed: it is nine tenths of the page otherwise."""
    script = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, mtime=0)).decode()


def _always(_: object) -> bool:
    return True


def _sections(report: Any, package: str) -> list[pages.Section]:
    found = [(name, registry.find(package, name, "section")) for name in registry.names(package)]
    found = [(name, part) for name, part in found if getattr(part, "shown", _always)(report)]
    found.sort(key=lambda entry: (entry[1].ORDER, entry[0]))
    return [pages.Section(name, part.TITLE, Markup(part.render(report))) for name, part in found]
