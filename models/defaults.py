"""Which model or bundle a command takes when none is named."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.manifest import Kind
from edgepress.core.several import FOLLOWING, listed

RUNS = Path("runs")
DEFAULT_STUDENT = "mobilenetv3_small_050"
ZOO = Path(__file__).parent / "zoo"
SHIPPED = "zoo:"
"""Begins the names of shipped models."""
ZOO_TEACHER, ZOO_STUDENT = ZOO / "elpv_teacher", ZOO / "elpv_student"
_SHIPPED = {"torch": ZOO_TEACHER, "onnx": ZOO_STUDENT}


def shipped(name: str) -> Path:
    """Return the folder of a shipped model, whose name may begin with `zoo:`.

    Raises:
        UserError: no model of this name is shipped.
    """
    known = {file.parent.name: file.parent for file in ZOO.glob("*/manifest.json")}
    bare = name.removeprefix(SHIPPED)
    if bare not in known:
        raise unknown_name("shipped model", bare, known)
    return known[bare]


def _resolved(path: Path) -> Path:
    return shipped(str(path)) if str(path).startswith(SHIPPED) else path


ModelPath = Annotated[Path, AfterValidator(_resolved)]
"""An option that names a model: a path, or `zoo:NAME`, which stands for a shipped one's folder."""
ModelPaths = Annotated[tuple[ModelPath, ...], FOLLOWING, BeforeValidator(listed)]
"""Models that follow one another, `--teacher A B`; one alone need be no list."""


def default_model(kind: Kind = "torch") -> Path:
    """Return the newest artifact of this kind under `runs/`, else the shipped one."""
    found = artifacts.newest(RUNS, kind) if RUNS.is_dir() else None
    return found.path if found else _SHIPPED[kind]


def default_bundle() -> Path:
    """Return the newest bundle under `runs/`.

    Raises:
        UserError: there is none.
    """
    found = sorted(RUNS.glob("*.zip"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise UserError(
            "There is no bundle", got=RUNS / "*.zip", next_step="python -m export.bundle"
        )
    return found[-1]


def default_student() -> str:
    """Return the newest pruned artifact under `runs/`, else the name of a small architecture."""
    found = artifacts.newest(RUNS, stage="compress.prune") if RUNS.is_dir() else None
    return str(found.path) if found else DEFAULT_STUDENT
