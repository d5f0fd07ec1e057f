"""One student by the commands; teachers, pruned networks and students stay where they are made."""

from pathlib import Path
from typing import Any

from benchmarks.claims.distillation.grid import AUTO, PROBLEMS, Teacher, Trial
from benchmarks.claims.distillation.problems import written
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.subcommands import problem_of

UNJUDGED = {"gate": "params <= 1e12"}
RATES = {"learning-rate": 3e-3, "batch-size": 16}
TIMEOUT_S = 7200


def student(trial: Trial, work: Path) -> Artifact:
    """Return a student; one that is there is not trained again.

    Raises:
        UserError: a command failed.
    """
    out = _folder(trial.problem, work) / trial.teacher / f"{trial.method}-{trial.seed}"
    teacher, pruned = _teacher(trial.problem, trial.teacher, work)
    epochs = PROBLEMS[trial.problem].student
    models = {"teacher": teacher, "student": pruned, "seed": trial.seed, "epochs": epochs}
    method = {} if trial.method == AUTO else {"method": trial.method}
    data = {"data": written(trial.problem, work)}
    return _made("compress.distill", out, models | method | data | RATES)


def teacher_of(trial: Trial, work: Path) -> Artifact:
    """Return the teacher of a student that is there.

    Raises:
        UserError: it is not.
    """
    return artifacts.load(_teacher(trial.problem, trial.teacher, work)[0])


def _folder(problem: str, work: Path) -> Path:
    return work / problem


def _teacher(problem: str, kind: Teacher, work: Path) -> tuple[Path, Path]:
    """Return the folders of a teacher and of the pruned network that it teaches."""
    sizes, folder = PROBLEMS[problem], _folder(problem, work) / kind
    data = written(problem, work, shuffled=kind == "shuffled")
    teacher, pruned = folder / "teacher", folder / "pruned"
    epochs = sizes.unfinished if kind == "unfinished" else sizes.finished
    size = {"image-size": sizes.side, "epochs": epochs, "data": data}
    _made("compress.train", teacher, size | RATES)
    shrink = {"model": teacher, "macs": sizes.macs, "rounds": 1, "epochs": 0, "data": data}
    _made("compress.prune", pruned, shrink)
    return teacher, pruned


def _made(stage: str, out: Path, options: dict[str, Any]) -> Artifact:
    """Run a stage whose artifact is not there yet, and return that.

    Its id is not asked for: a long experiment goes on after the code has changed.

    Raises:
        UserError: the command failed.
    """
    if not artifacts.is_artifact(out):
        given = options | UNJUDGED | {"out": out}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        if problem := problem_of(TIMEOUT_S, stage, *words):
            raise UserError(f"A training failed: {problem}", got=" ".join((stage, *words)))
    return artifacts.load(out)
