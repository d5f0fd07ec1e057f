"""What every HTML page of the project is made of: its style, and small pictures."""

import base64
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

_STYLE = Path(__file__).with_name("html.css")


@dataclass(frozen=True)
class Section:
    """A part of a page, under its own heading."""

    slug: str
    """What addresses of it end with."""
    title: str
    body: Markup


def style() -> Markup:
    """Return the style sheet of all pages."""
    return Markup(_STYLE.read_text(encoding="utf-8"))


def templates(folder: Path) -> jinja2.Environment:
    """Return the templates of a folder; what they are given is escaped, and nothing may miss."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def jpeg_uri(jpeg: bytes) -> str:
    """Return a JPEG as an address that needs no network."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
