"""What tyro says of options that it cannot read, a box of many lines, as one message."""

import contextlib
import io
import re
import sys
from collections.abc import Iterator

from pydantic import ValidationError

from edgepress.core.errors import UserError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"^[│|]?\s*(.*?)\s*[│|]?$")
_CORNERS = ("╭", "╰", "+")
_RULE = re.compile(r"[─-]{3,}")


@contextlib.contextmanager
def in_one_message(program: str | None) -> Iterator[None]:
    """Let tyro read options inside; what it cannot read ends in one message, not in its box.

    Raises:
        UserError: an option or a value that tyro cannot read.
        ValidationError: a value that the config does not take.
    """
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            yield
    except SystemExit as ended:
        if ended.code != UserError.exit_code:  # `--help`
            sys.stderr.write(box.getvalue())
            raise
        if isinstance(ended.__context__, ValidationError):
            raise ended.__context__ from None
        raise refusal(box.getvalue(), program) from None
    sys.stderr.write(box.getvalue())


def refusal(box: str, program: str | None = None) -> UserError:
    r"""Return the error that a box of tyro tells.

    >>> str(refusal("╭─ Error ─╮\n│ No --x │\n╰─────────╯", "me"))
    'No --x. Next: me --help'
    """
    what, *more = _sections(box)
    told = [line for lines in more for line in lines]
    names = [line.split()[0] for line in told if line.startswith("--")]
    takes = [line for line in told if line.startswith("--")] if "Argument helptext:" in told else []
    close = f"did you mean {names[0]}?" if names and not takes else f"{program or ''} --help"
    text = " ".join(what).partition(" Got errors:")[0]
    return UserError(text, allowed=takes[0] if takes else None, next_step=close.strip())


def _sections(box: str) -> list[list[str]]:
    """Return the lines between the rules of a box."""
    sections: list[list[str]] = [[]]
    for line in _COLOUR.sub("", box).splitlines():
        found = _LINE.match(line)
        text = found[1] if found else line
        if _RULE.fullmatch(text):
            sections.append([])
        elif text and not line.startswith(_CORNERS):
            sections[-1].append(text)
    return sections
