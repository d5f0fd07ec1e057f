"""The race: students are taught a little by each method, and the best on validation is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter
from torch import nn

from compress.learning import methods
from compress.learning.features import pair
from compress.learning.loading import TrainingImages
from compress.learning.racing.halving import Heat, run
from compress.learning.racing.scoring import Scorer
from compress.learning.teachers.several import shown
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training import Fitted
from edgepress.core import console, writable
from edgepress.core.distillation import HeatResult
from edgepress.core.errors import NotFiniteError, UserError
from edgepress.core.wording import counted
from models.blank import blank_image

_STORED = TypeAdapter(tuple[HeatResult, ...])


@dataclass(frozen=True)
class Race:
    """Who teaches whom, and where the short trainings leave what they know."""

    student: Callable[[], Student]
    """Returns a student that was taught nothing yet; each training has one of its own."""
    teacher: nn.Module
    images: TrainingImages
    settings: Teaching
    scorer: Scorer
    """Of the student's images."""
    folder: Path
    features: bool = True
    """Whether the teacher shows its features."""

    @cached_property
    def alike(self) -> bool:
        """Whether the student has layers of its teacher, by their names and channels."""
        student = self.student()
        seen, own = blank_image(self.images.for_teacher.spec), blank_image(student.spec)
        return pair(student.network, shown(self.teacher), seen, own).alike

    def applied(self, method: str) -> Teaching:
        """Return the settings of a method, as far as the teacher can teach by it.

        Raises:
            UserError: there is no such method.
        """
        if method == methods.STATED:
            return self.settings
        settings = methods.applied(method, self.settings)
        return settings if self.features else settings.model_copy(update={"feature_weight": 0.0})

    def fitted(self, method: str, name: str, epochs: int | None = None) -> Fitted:
        """Train a student of its own by a method, which keeps its state in a folder of this name.

        Raises:
            UserError: fewer images than one batch, a loss that is not finite, or an unknown method.
        """
        settings = self.applied(method)
        if epochs is not None:
            settings = settings.model_copy(update={"epochs": epochs})
        scratch = self.folder / name
        scratch.mkdir(parents=True, exist_ok=True)
        return teach(self.student(), self.teacher, self.images, settings, scratch)


def raced(race: Race, entries: Sequence[str], plan: Sequence[Heat]) -> tuple[HeatResult, ...]:
    """Race methods and return what each training has reached, the winner's longest one last.

    Each result is written at once, so that a killed race goes on. A loss that is not finite loses a
    heat, and no more.

    Raises:
        UserError: fewer images than one batch, an unknown method, or no training that succeeds.
    """
    race.folder.mkdir(parents=True, exist_ok=True)
    file = race.folder / "heats.json"
    known = _read(file)

    def score(method: str, epochs: int) -> float | None:
        same = (one for one in known if (one.method, one.epochs) == (method, epochs))
        found = next(same, None)
        if found is None:
            found = _tried(race, method, epochs)
            known.append(found)
            _write(file, known)
        return None if found.fault else found.map

    left = run(entries, plan, score)
    if not left:
        raise UserError(
            "Every training of the race failed",
            got="; ".join(f"{one.method}: {one.fault}" for one in known),
            next_step="lower --learning-rate",
        )
    won = [one for one in known if one.method == left[0]][-1]
    return tuple(sorted(known, key=lambda one: (one == won, one.epochs)))


def _tried(race: Race, method: str, epochs: int) -> HeatResult:
    """Train a student; its mAP on the validation part is 0 where that is not defined."""
    console.say(f"race: {method}, {counted(epochs, 'epoch')}")
    try:
        fitted = race.fitted(method, f"{method}-{epochs}", epochs)
        reached = race.scorer.evaluated(fitted.network, "val", method).map or 0.0
    except NotFiniteError as error:
        console.warn(f"{method} has lost this heat: {error}")
        return HeatResult(method=method, epochs=epochs, map=0.0, fault=error.what)
    console.say(f"  mAP on validation {reached:.4f}")
    return HeatResult(method=method, epochs=epochs, map=reached)


def _read(file: Path) -> list[HeatResult]:
    return list(_STORED.validate_json(file.read_bytes())) if file.exists() else []


def _write(file: Path, results: Sequence[HeatResult]) -> None:
    with writable.drafted(file) as draft:
        draft.write_bytes(_STORED.dump_json(tuple(results)))
