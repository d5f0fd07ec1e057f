"""The life of a stage: skip what is unchanged, build in a work folder, save atomically."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from compress.core import artifact as artifacts
from compress.core import console, ending, environment
from compress.core.artifact import Artifact
from compress.core.errors import EdgepressError, UserError
from compress.core.gates import Verdict
from compress.core.hashing import source_hash, value_hash
from compress.core.manifest import Manifest

CHECKPOINT = "training.pt"
"""The state of a training, in a stage's scratch folder, that a rerun goes on from."""


@dataclass(frozen=True)
class Plan:
    """A stage about to run: what decides its result, and where the result goes."""

    stage: str
    """The stage's module, e.g. `compress.prune`."""
    config: BaseModel
    out: Path
    parents: tuple[Artifact, ...]
    data_fingerprint: str

    @cached_property
    def id(self) -> str:
        """Hash of everything that decides the result; the output folder is not part of it.

        Cached: a source edited while the stage runs must not change it half-way.
        """
        return value_hash(self._ingredients)

    @cached_property
    def work_id(self) -> str:
        """Hash of what decides the work: all but the gates, which judge what was made.

        A training that ended in a gate that could not be understood goes on with another one.
        """
        config = {k: v for k, v in settings(self.config).items() if k != "gate"}
        return value_hash(self._ingredients | {"config": config})

    @cached_property
    def _ingredients(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "source": source_hash(self.stage),
            "config": settings(self.config),
            "parents": self.parent_ids,
            "data": self.data_fingerprint,
        }

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """Ids of the artifacts that this one is made from."""
        return tuple(parent.manifest.id for parent in self.parents)

    @property
    def workdir(self) -> Path:
        """Folder of half-made files beside the output; a killed stage resumes from it."""
        return self.out.with_name(f".{self.out.name}.work-{self.work_id}")


# Where things lie does not change what they hold: paths are not part of an artifact's id (the
# models among them are, by their own ids, and the data by its fingerprint).
_LOCATIONS = {"out", "model", "teacher", "student", "data", "baseline"}


def settings(config: BaseModel) -> dict[str, object]:
    """Return the settings of a stage without the locations of its inputs and output."""
    return {k: v for k, v in config.model_dump(mode="json").items() if k not in _LOCATIONS}


def produce(plan: Plan, build: Callable[[Path], Manifest]) -> Artifact:
    """Return the artifact of a plan, building it only if it is not there already.

    `build` gets a work folder, keeps what a resumed run needs in its `scratch` sub-folder, writes
    the artifact's files into its `files` sub-folder and returns the manifest.

    Raises:
        UserError: the output folder holds something else.
    """
    artifacts.check_replaceable(plan.out)
    found = _unchanged(plan)
    if found is not None:
        console.say(f"unchanged: {plan.out}")
        return found
    _sweep(plan)
    files = plan.workdir / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    (plan.workdir / "scratch").mkdir(exist_ok=True)
    try:
        made = artifacts.save(plan.out, files, build(plan.workdir))
    except EdgepressError:
        _keep_unfinished(plan.workdir)
        raise
    shutil.rmtree(plan.workdir)
    console.say(f"done: {plan.out}")
    return made


def manifest_base(plan: Plan) -> dict[str, object]:
    """Return the manifest fields that every stage fills in the same way."""
    return {
        "id": plan.id,
        "stage": plan.stage,
        "config": plan.config.model_dump(mode="json"),
        "parents": plan.parent_ids,
        "environment": environment.describe(),
    }


def require(verdicts: tuple[Verdict, ...]) -> None:
    """End with the exit code of the worst verdict.

    Raises:
        GateFailed: at least one gate failed.
        GateUndecided: none failed, at least one is inconclusive.
    """
    ending.end_by(ending.of(verdicts))


def _keep_unfinished(workdir: Path) -> None:
    """Keep what a rerun goes on from, a checkpoint after an hour's training; else leave nothing."""
    shutil.rmtree(workdir / "files", ignore_errors=True)
    if any((workdir / "scratch").rglob(CHECKPOINT)):
        console.say(f"kept for another try: {workdir}")
    else:
        shutil.rmtree(workdir, ignore_errors=True)


def _unchanged(plan: Plan) -> Artifact | None:
    if not artifacts.is_artifact(plan.out):
        return None
    try:
        found = artifacts.load(plan.out)
    except UserError as error:
        console.warn(f"{error} It is made again.")
        return None
    return found if found.manifest.id == plan.id else None


def _sweep(plan: Plan) -> None:
    """Remove the leavings of other runs for the same output, killed before they were done."""
    for stale in plan.out.parent.glob(f".{plan.out.name}.*"):
        if stale != plan.workdir:
            shutil.rmtree(stale, ignore_errors=True)
