"""The life of a stage: skip what is unchanged, build in a work folder, save atomically."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from edgepress.core import artifact as artifacts
from edgepress.core import console, environment, place, registry
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.manifest import Manifest
from edgepress.core.several import listed
from edgepress.core.source import source_hash

CHECKPOINT = "training.pt"
"""The state of a training, in a stage's scratch folder, that a rerun goes on from."""

JUDGES = "gates"
"""Among what a stage chose by name: the metrics of its gates, which judge what was made."""


@dataclass(frozen=True)
class Plan:
    """A stage about to run: what decides its result, and where the result goes."""

    stage: str
    """The stage's module, e.g. `compress.prune`."""
    config: BaseModel
    out: Path
    parents: tuple[Artifact, ...]
    data_identity: str
    """Of the images, their labels and the split (`edgepress.data.split.identity`)."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Hashes of what was chosen by name, so that the stage's imports do not tell: the source of a
    family, of the user's own factory, of a target or runtime; the content of a weights file. One
    that has the name of an option stands for it."""

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
        config = {k: v for k, v in settings(self).items() if k != "gate"}
        chosen = {k: v for k, v in self.chosen.items() if k != JUDGES}
        return value_hash(self._ingredients | {"config": config, "chosen": chosen})

    @cached_property
    def _ingredients(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "source": source_hash(self.stage),
            "config": settings(self),
            "parents": [_content(parent) for parent in self.parents],
            "data": self.data_identity,
            "chosen": dict(self.chosen),
        }

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """Ids of the artifacts that this one is made from."""
        return tuple(parent.manifest.id for parent in self.parents)

    @property
    def workdir(self) -> Path:
        """Folder of half-made files beside the output; a killed stage resumes from it."""
        return place.workdir(self.out, self.work_id)


_MODELS = ("model", "teacher", "student", "baseline")
_NO_SETTINGS = {"out", "data", "skip_bad_images"}
"""Where things lie does not change what they hold, and the data's identity names the images."""


def settings(plan: Plan) -> dict[str, object]:
    """Return the settings of a stage that decide its result.

    A model that is a parent is left out, for the parents say what it is; any other, such as the
    name of an architecture, is a setting.
    """
    known = {parent.path.resolve() for parent in plan.parents}
    return {
        name: value
        for name, value in plan.config.model_dump(mode="json").items()
        if name not in _NO_SETTINGS
        and name not in plan.chosen
        and not (name in _MODELS and {Path(one).resolve() for one in listed(value)} <= known)
    }


def _content(parent: Artifact) -> tuple[str, str, str]:
    """Return what a parent is: two trainings of one id, on two machines, have other weights."""
    labels = parent.manifest.labels.model_dump(mode="json")
    return parent.manifest.id, file_sha256(parent.weights), value_hash(labels)


def produce(plan: Plan, build: Callable[[Path], Manifest]) -> Artifact:
    """Return the artifact of a plan, building it only if it is not there already.

    `build` gets a work folder, keeps what a resumed run needs in its `scratch` sub-folder and all
    else that it needs on the way in `passing`, writes the artifact's files into `files` and returns
    the manifest. What is in `scratch` when it is interrupted, or a training has ended early, stays
    for the next run.

    Raises:
        UserError: the output folder holds something else, is no place for an output, or another
            command is making it.
    """
    place.check(plan.out, _inputs(plan))
    artifacts.check_replaceable(plan.out)
    with place.held(plan.out):
        return _unchanged(plan) or _built(plan, build)


def _built(plan: Plan, build: Callable[[Path], Manifest]) -> Artifact:
    place.sweep(plan.out, keep=plan.workdir)
    _clear(plan)
    for name in ("files", "passing", "scratch"):
        (plan.workdir / name).mkdir(parents=True, exist_ok=True)
    try:
        made = artifacts.save(plan.out, plan.workdir / "files", build(plan.workdir))
    except BaseException as error:
        _leave(plan, isinstance(error, KeyboardInterrupt))
        raise
    shutil.rmtree(plan.workdir)
    console.say(f"done: {plan.out}")
    return made


def _clear(plan: Plan) -> None:
    for name in ("files", "passing"):
        shutil.rmtree(plan.workdir / name, ignore_errors=True)


def _leave(plan: Plan, interrupted: bool) -> None:
    """Keep what a rerun goes on from, a checkpoint after an hour's training; else leave nothing.

    An interruption is no reason to give up whatever else was measured so far.
    """
    _clear(plan)
    left = (plan.workdir / "scratch").rglob("*" if interrupted else CHECKPOINT)
    if any(one.is_file() for one in left):
        console.say(f"kept for another try: {plan.workdir}")
    else:
        shutil.rmtree(plan.workdir, ignore_errors=True)


def _inputs(plan: Plan) -> tuple[Path, ...]:
    """Return the files and folders that the output must not take the place of.

    A folder may have the name of a data set or of weights (`elpv`, `imagenet`) and be no input.
    """
    options = ("data", *_MODELS, "weights")
    texts = (text for name in options for text in listed(getattr(plan.config, name, None)))
    names = {"imagenet", "random", *registry.names("edgepress.data.formats")}
    named = (Path(str(text).rpartition(":")[2]) for text in texts if text not in names)
    return (*(parent.path for parent in plan.parents), *(path for path in named if path.exists()))


def manifest_base(plan: Plan) -> dict[str, object]:
    """Return the manifest fields that every stage fills in the same way."""
    return {
        "id": plan.id,
        "stage": plan.stage,
        "config": plan.config.model_dump(mode="json"),
        "judged_on": getattr(plan.config, "judged_on", "test"),
        "parents": plan.parent_ids,
        "environment": environment.describe(),
    }


def _unchanged(plan: Plan) -> Artifact | None:
    if not artifacts.is_artifact(plan.out):
        return None
    try:
        found = artifacts.load(plan.out)
    except UserError as error:
        console.warn(f"{error} It is made again.")
        return None
    if found.manifest.id != plan.id:
        return None
    console.say(f"unchanged: {plan.out}")
    return found
