"""Hashes of files, values and source code."""

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("compress", "models", "benchmarks", "export")
SHORT = 16


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def value_hash(value: Any) -> str:
    """Return the first 16 hex digits of the sha256 of a JSON-like value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:SHORT]


def source_hash(module: str) -> str:
    """Hash a module's source with that of every project module it imports, however deep.

    `compress.core` is left out: how artifacts are stored does not change what is in them.
    """
    seen: dict[str, str] = {}
    _collect(module, seen)
    return value_hash(seen)


def _collect(module: str, seen: dict[str, str]) -> None:
    path = _module_file(module)
    if module in seen or path is None or module.startswith("compress.core"):
        return
    tree = ast.parse(path.read_bytes())
    seen[module] = ast.dump(tree)
    for name in _imports(tree):
        _collect(name, seen)


def _module_file(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if module.split(".")[0] in ROOMS and path.is_file():
            return path
    return None


def _imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found
