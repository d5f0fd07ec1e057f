"""The race: students are taught a little by each method, and the best on validation is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter
from torch import nn

from compress.learning import methods
from compress.learning.loading import TrainingImages
from compress.learning.racing.halving import Heat, run
from compress.learning.racing.scoring import Scorer
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training import Fitted
from edgepress.core import console, writable
from edgepress.core.distillation import HeatResult
from edgepress.core.wording import counted

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
    """Race methods and return what each training has reached, the last heat's best one last.

    Each result is written at once, so that a killed race goes on.

    Raises:
        UserError: fewer images than one batch, a loss that is not finite, or an unknown method.
    """
    race.folder.mkdir(parents=True, exist_ok=True)
    file = race.folder / "heats.json"
    known = _read(file)

    def score(method: str, epochs: int) -> float:
        for one in known:
            if (one.method, one.epochs) == (method, epochs):
                return one.map
        console.say(f"race: {method}, {counted(epochs, 'epoch')}")
        reached = _reached(race, method, epochs)
        console.say(f"  mAP on validation {reached:.4f}")
        known.append(HeatResult(method=method, epochs=epochs, map=reached))
        _write(file, known)
        return reached

    best = run(entries, plan, score)[0]
    return tuple(sorted(known, key=lambda one: (one.epochs, one.method == best)))


def _reached(race: Race, method: str, epochs: int) -> float:
    """Train a student and return its mAP on the validation part; 0 where that is not defined."""
    fitted = race.fitted(method, f"{method}-{epochs}", epochs)
    return race.scorer.evaluated(fitted.network, "val", method).map or 0.0


def _read(file: Path) -> list[HeatResult]:
    return list(_STORED.validate_json(file.read_bytes())) if file.exists() else []


def _write(file: Path, results: Sequence[HeatResult]) -> None:
    with writable.drafted(file) as draft:
        draft.write_bytes(_STORED.dump_json(tuple(results)))
