"""The commands that make a model or a report again."""

import shlex
import sys
from pathlib import Path
from typing import Any

from edgepress.core.hashing import ROOT
from edgepress.core.manifest import Manifest

_MODULES = ("compress.", "export.", "benchmarks.thresholds")
_REPEATED = {"demand"}
"""Options that are written once for each value."""


def own_command(module: str) -> str:
    """Return the command line of this process, as one runs `module`."""
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def made_by(manifest: Manifest) -> str | None:
    """Return the command that makes a model again, `None` where its stage is not a command here."""
    if not manifest.stage.startswith(_MODULES) or not manifest.config:
        return None
    words = ["python", "-m", manifest.stage]
    for name, value in manifest.config.items():
        words += _flags(name, value)
    return shlex.join(words)


def _flags(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if value is None or value in ([], ()) or isinstance(value, dict):
        return []
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if name in _REPEATED:
        return [word for item in value for word in (f"--{flag}", _word(item))]
    if isinstance(value, (list, tuple)):
        return [f"--{flag}", *(_word(item) for item in value)]
    return [f"--{flag}", _word(value)]


def _word(value: Any) -> str:
    """Return a value as a word; a path inside the repository is told from its root."""
    text = str(value)
    path = Path(text)
    if path.is_absolute() and path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    return text
