"""`ROOT/runtime.json`: the options that `tune` has chosen for every release of a root."""

import json
import sys
from pathlib import Path
from typing import Any

from .. import files as disk
from ..model.session import RUNTIME

FILE = "runtime.json"


def store(root: Path, runtime: dict[str, Any]) -> None:
    """Let every release of a root be opened with these options."""
    disk.replace_json(root / FILE, runtime)


def stored(root: Path) -> dict[str, Any] | None:
    """Return the options chosen for a root; `None` where the manifest decides.

    It does so too where the file is damaged, which is told.
    """
    path = root / FILE
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        found = None
    if _is_setting(found):
        return dict(found)
    print(f"warning: {path} is damaged; the manifest's options are used", file=sys.stderr)
    return None


def _is_setting(found: Any) -> bool:
    kinds = {name: type(value) for name, value in RUNTIME.items()}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != kinds:
        return False
    return bool(found["intra_op_threads"] > 0)
