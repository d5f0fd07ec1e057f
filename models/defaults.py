"""Which model a command takes when none is named."""

from pathlib import Path

from compress.core import artifact as artifacts
from compress.core.manifest import Kind

RUNS = Path("runs")
DEFAULT_STUDENT = "mobilenetv3_small_050"
ZOO = Path(__file__).parent / "zoo"
ZOO_TEACHER = ZOO / "elpv_teacher"


def default_model(kind: Kind = "torch") -> Path:
    """Return the newest artifact of this kind under `runs/`, else the shipped teacher."""
    found = artifacts.newest(RUNS, kind) if RUNS.is_dir() else None
    return found.path if found else ZOO_TEACHER


def default_student() -> str:
    """Return the newest pruned artifact under `runs/`, else the name of a small architecture."""
    found = artifacts.newest(RUNS, stage="compress.prune") if RUNS.is_dir() else None
    return str(found.path) if found else DEFAULT_STUDENT
