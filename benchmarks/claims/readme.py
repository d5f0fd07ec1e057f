"""`python -m benchmarks.claims.readme` pastes the committed tables into README.md and docs/*.md.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`, and is the file NAME.md of
`docs/results`, which the claim's command has written beside its figures.
"""

import re
import sys
from pathlib import Path

from edgepress.core import console, writable
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

RESULTS = Path("docs/results")
_MARKED = re.compile(r"(<!-- ([\w-]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


class Config(Noun):
    """Paste the committed tables into the README and the pages of docs."""

    readme: Path = Path("README.md")
    """File with marked tables; those of the pages `docs/*.md` beside it are written too."""


def run(config: Config) -> None:
    """Rewrite the tables of every page.

    Raises:
        UserError: a page cannot be read or written, or a table is not there.
    """
    for page in pages(config.readme):
        try:
            text = page.read_text()
        except OSError as error:
            raise UserError(f"The file cannot be read ({error.strerror})", got=page) from None
        if (new := updated(text)) != text:
            writable.write_whole(page, new, "The page")
            console.result(f"written: {page}")


def pages(readme: Path) -> list[Path]:
    """Return the README and the pages of the folder `docs` beside it."""
    return [readme, *sorted((readme.parent / "docs").glob("*.md"))]


def updated(text: str) -> str:
    """Return a page with each marked table as it is committed.

    Raises:
        UserError: a table is not there.
    """
    return _MARKED.sub(lambda found: f"{found[1]}\n{_table(found[2])}\n{found[3]}", text)


def _table(name: str) -> str:
    """Return a table, with a line's end at its end."""
    files = list(RESULTS.rglob(f"{name}.md"))
    if len(files) != 1:
        raise UserError(
            "A page shows a table that is not one committed file",
            got=f"<!-- {name} -->",
            allowed=f"the name of one file below {RESULTS}, without .md",
        )
    return files[0].read_text()


if __name__ == "__main__":
    sys.exit(main(Config, run))
