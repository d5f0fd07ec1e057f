"""One student by the commands; teachers, pruned networks and students stay where they are made."""

from pathlib import Path
from typing import Any

from benchmarks.claims.distillation.grid import AUTO, PROBLEMS, Teacher, Trial
from benchmarks.claims.distillation.problems import written
from benchmarks.claims.settings.trying import made
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact

RATE = {"learning-rate": 3e-3}
TIMEOUT_S = 7200


def student(trial: Trial, work: Path) -> Artifact:
    """Return a student; one that is there is not trained again.

    Raises:
        UserError: a command failed.
    """
    teacher, pruned = _teacher(trial.problem, trial.teacher, work)
    models = {"teacher": teacher, "student": pruned, "seed": trial.seed}
    method = {} if trial.method == AUTO else {"method": trial.method}
    data = {"data": written(trial.problem, work)}
    steps = _steps(trial.problem, PROBLEMS[trial.problem].student)
    return made("compress.distill", place(trial, work), models | method | data | steps, TIMEOUT_S)


def place(trial: Trial, work: Path) -> Path:
    """Return the folder of a student, which need not be there."""
    return work / trial.problem / trial.teacher / f"{trial.method}-{trial.seed}"


def _steps(problem: str, epochs: int) -> dict[str, Any]:
    return {"epochs": epochs, "batch-size": PROBLEMS[problem].batch} | RATE


def teacher_of(trial: Trial, work: Path) -> Artifact:
    """Return the teacher of a student that is there.

    Raises:
        UserError: it is not.
    """
    return artifacts.load(_teacher(trial.problem, trial.teacher, work)[0])


def _teacher(problem: str, kind: Teacher, work: Path) -> tuple[Path, Path]:
    """Return the folders of a teacher and of the pruned network that it teaches."""
    sizes, folder = PROBLEMS[problem], work / problem / kind
    data = written(problem, work, shuffled=kind == "shuffled")
    teacher, pruned = folder / "teacher", folder / "pruned"
    epochs = sizes.unfinished if kind == "unfinished" else sizes.finished
    size = {"image-size": sizes.side, "data": data}
    made("compress.train", teacher, size | _steps(problem, epochs), TIMEOUT_S)
    shrink = {"model": teacher, "macs": sizes.macs, "rounds": 1, "epochs": 0, "data": data}
    made("compress.prune", pruned, shrink, TIMEOUT_S)
    return teacher, pruned
