"""README and docs as a reader sees them: code, links, headings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from places import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = (README, *sorted(DOCS.glob("*.md")))
HISTORY = DOCS / "decisions.md"
"""Dated paragraphs, which name things as they were called."""
TODAY = tuple(page for page in PAGES if page != HISTORY)

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_BETWEEN = {";", "|", "&&", "||", "&"}
"""What stands between two commands of a shell."""
_VARIABLE = re.compile(r"[A-Z_]+=\S*")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced code of a language."""
    return [code for _, kind, code in _BLOCK.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    """Return a page without its fenced code."""
    return _BLOCK.sub("", page.read_text())


def inline(page: Path) -> list[str]:
    """Return what stands in backticks, on one line each."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def links(page: Path) -> list[str]:
    """Return where the links of a page lead."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(page)))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, which builders and GitHub make alike of words."""
    titles = re.findall(r"^#+ +(.*)$", prose(page), re.MULTILINE)
    return {"-".join(re.sub(r"[^\w\s-]", "", title.lower()).split()) for title in titles}


def commands(code: str) -> Iterator[list[str]]:
    """Return the words of each command in code of a shell; of a loop those of its body."""
    for line in re.sub(r"(\\|\|)\n", r"\1 ", code).replace("\\ ", "").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        found: list[str] = []
        for word in [*words, ";"]:
            if word not in _BETWEEN:
                found.append(word)
                continue
            while found and (found[0] == "do" or _VARIABLE.fullmatch(found[0])):
                found.pop(0)
            if found and found[0] not in ("for", "done"):
                yield found
            found = []
