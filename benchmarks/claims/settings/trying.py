"""One training by the commands, and its mAP on validation images."""

import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.claims.settings.grid import LITE, Trial, trial
from benchmarks.claims.settings.problems import SIDES, WRITERS
from benchmarks.claims.settings.result import Outcome
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.subcommands import problem_of
from edgepress.data.context import open_context

SPLIT = {"test-share": 0.03, "val-share": 0.47}
"""Nothing is asked of the test part; validation images are many, so that mAP is known well."""
UNJUDGED = "params <= 1e12"
USUAL = {"views": 1, "gate": UNJUDGED}
PRUNED = {"macs": 0.3, "rounds": 1, "epochs": 0, "gate": UNJUDGED}
TIMEOUT_S = 1800


def tried(trial: Trial, work: Path) -> Outcome:
    """Train and measure; data, teachers and pruned networks stay in the folder `work`.

    Raises:
        UserError: a command failed.
    """
    data = _data(trial.problem, work)
    start = time.monotonic()
    with TemporaryDirectory(prefix="edgepress-settings-") as folder:
        out = Path(folder) / "trained"
        if trial.step == "train":
            _trained(trial, data, out)
        else:
            _distilled(trial, data, work, out)
        seconds = time.monotonic() - start
        return Outcome(trial=trial, map_val=_validated(out, data), seconds=round(seconds, 1))


def _data(problem: str, work: Path) -> Path:
    folder = work / problem / "data"
    if not folder.exists():
        with TemporaryDirectory(dir=_made(folder.parent)) as draft:
            WRITERS[problem](Path(draft) / "data")
            (Path(draft) / "data").rename(folder)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _trained(trial: Trial, data: Path, out: Path) -> None:
    options = _learning(trial) | SPLIT | USUAL | {"loss": trial.loss, "arch": trial.network}
    weights = "imagenet" if trial.network == LITE else "random"
    size = {"image-size": SIDES[trial.problem], "weights": weights}
    do("compress.train", options | size | {"data": data, "out": out})


def _distilled(student: Trial, data: Path, work: Path, out: Path) -> None:
    """Teach the pruned teacher; both are made once for each problem, by the usual settings."""
    teacher, pruned = (work / student.problem / name for name in ("teacher", "pruned"))
    _trained(trial(student.problem, student.network), data, teacher)
    if not artifacts.is_artifact(pruned):
        do("compress.prune", {"model": teacher, "data": data, "out": pruned} | PRUNED)
    models = {"teacher": teacher, "student": pruned, "gate": USUAL["gate"]}
    do("compress.distill", _learning(student) | models | {"data": data, "out": out})


def _learning(trial: Trial) -> dict[str, Any]:
    names = ("epochs", "learning_rate", "augmentation", "batch_size", "mixup", "seed")
    return {name.replace("_", "-"): getattr(trial, name) for name in names}


def do(module: str, options: Mapping[str, Any], timeout_s: float = TIMEOUT_S) -> None:
    """Run a stage by its command.

    Raises:
        UserError: it failed, or was not done in time.
    """
    line = words(options)
    if problem := problem_of(timeout_s, module, *line):
        raise UserError(f"A training failed: {problem}", got=" ".join((module, *line)))


def made(module: str, out: Path, options: Mapping[str, Any], timeout_s: float) -> Artifact:
    """Run a stage whose artifact is not there yet, and return that; no gate judges it.

    Its id is not asked for: a long experiment goes on after the code has changed.

    Raises:
        UserError: the command failed.
    """
    if not artifacts.is_artifact(out):
        do(module, {**options, "gate": UNJUDGED, "out": out}, timeout_s)
    return artifacts.load(out)


def words(options: Mapping[str, Any]) -> list[str]:
    """Return options as they are typed; `True` is one without a value.

    >>> words({"epochs": 3, "no-sensitivity": True})
    ['--epochs', '3', '--no-sensitivity']
    """
    typed = (
        (f"--{name}", *(() if value is True else (str(value),))) for name, value in options.items()
    )
    return [word for each in typed for word in each]


def _validated(out: Path, data: Path) -> float | None:
    model = artifacts.load(out)
    context = open_context(str(data), (model,))
    settings = EvalSettings(views=1)
    return evaluate(model, context.dataset, context.images("val"), settings).map
