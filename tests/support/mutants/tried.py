"""What has been tried: one line a mutant, so that a run goes on where it was stopped."""

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from mutants.places import Mutant
from mutants.table import ROOT

KILLED, LATE, SURVIVED = "killed", "late", "survived"


@dataclass(frozen=True)
class Tried:
    """How a mutant ended, and what that hangs on."""

    key: str
    source: str
    """Digest of the file that was changed."""
    ended: str
    by: str
    tests: str
    """Digest of the test file that killed it, else of all that did not."""


def outcome(mutant: Mutant, original: str, tests: Sequence[str], by: str, ended: str) -> Tried:
    """Return what is written down of a mutant."""
    hangs = _digest_of([by] if ended == KILLED and by else tests)
    return Tried(mutant.key, digest(original), ended, by, hangs)


def holds(tried: Tried | None, original: str, tests: Sequence[str]) -> bool:
    """Say whether the file and the tests in question are as they were."""
    if tried is None or tried.source != digest(original):
        return False
    by_one = tried.ended == KILLED and tried.by
    return tried.tests == _digest_of([tried.by] if by_one else tests)


class Record:
    """The file of what has been tried."""

    def __init__(self, file: Path, fresh: bool):
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            file.unlink(missing_ok=True)
        lines = file.read_text().splitlines() if file.exists() else []
        self.known = {row["key"]: Tried(**row) for row in map(_row, lines) if row}

    def add(self, tried: Tried) -> None:
        """Write a line."""
        self.known[tried.key] = tried
        with self.file.open("a") as out:
            out.write(json.dumps(asdict(tried)) + "\n")


def _row(line: str) -> dict[str, str] | None:
    try:
        row: dict[str, str] = json.loads(line)
    except ValueError:
        return None  # the line that a kill cut off
    return row


def digest(source: str) -> str:
    """Return a short digest of what a file does: its comments, docstrings and imports do not count.

    So a file that only moves, or imports what has moved, need not be tried again.
    """
    kept = _OnlyCode().visit(ast.parse(source))
    return _short(ast.unparse(kept))


class _OnlyCode(ast.NodeTransformer):
    def visit_Import(self, _: ast.Import) -> None:
        """Drop it."""

    def visit_ImportFrom(self, _: ast.ImportFrom) -> None:
        """Drop it."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drop it where it is a text that nothing reads."""
        return None if isinstance(node.value, ast.Constant) else node


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest_of(tests: Sequence[str]) -> str:
    files = sorted({test.split("::")[0] for test in tests})
    return _short("".join(_digest_below(file) for file in files))


@cache
def _digest_below(name: str) -> str:
    """Return the digest of a test file, or of all in a folder; empty for none."""
    path = ROOT / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return _short("".join(digest(file.read_text()) for file in files if file.exists()))
