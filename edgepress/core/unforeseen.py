"""What a command says when an error ends it that nobody has foreseen: a fault of edgepress."""

import sys
import tempfile
from pathlib import Path
from traceback import extract_tb, format_exception

from edgepress.core.hashing import ROOT

EXIT_UNFORESEEN = 1
"""Python's own code for a crash."""
_LONGEST = 300
"""Characters of an error's text that are shown; the file has all of it."""


def told(error: Exception, words: list[str]) -> str:
    """Return the one message for an error, whose traceback goes into a file beside it.

    Args:
        error: What was raised. Its notes say in which step, see `BaseException.add_note`.
        words: The command line, for the file.
    """
    said = " ".join(str(error).split())
    short = said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."
    parts = [*getattr(error, "__notes__", []), f"{type(error).__name__}: {short or 'no text'}"]
    return (
        f"An error that was not foreseen ended the command. {'. '.join(parts)}; raised in "
        f"{_place(error)}. {_written(error, words)} Next: nothing that was stored is lost, and the "
        "same command goes on from there; where it ends so again, report it with that traceback"
    )


def _place(error: Exception) -> str:
    """Return the last line of our own code that the error went through, else the very last."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _of_ours(frame.filename)]
    last = (ours or frames)[-1]
    name = Path(last.filename)
    shown = name.relative_to(ROOT) if _of_ours(last.filename) else Path(name.name)
    return f"line {last.lineno} of {shown.as_posix()}"


def _of_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(ROOT) and "site-packages" not in path.parts


def _written(error: Exception, words: list[str]) -> str:
    """Write the traceback into a file of its own; return the sentence that says where it is."""
    text = "".join(format_exception(error))
    content = f"{' '.join(words)}\nPython {sys.version}\n\n{text}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="edgepress-error-", suffix=".txt", delete=False, encoding="utf-8",
            errors="replace",
        ) as file:  # fmt: skip
            file.write(content)
    except OSError:
        return f"The traceback could not be written to a file, so it stands here:\n{text}"
    return f"The traceback is in {file.name}."
