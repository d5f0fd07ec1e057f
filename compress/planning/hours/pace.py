"""Keeps the hours: writes down what each step takes, and gives later trainings what is left."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from compress.planning.facts import Choice
from compress.planning.hours import schedule, stored
from compress.planning.hours.stored import Ledger
from compress.recipes.execution import Done
from compress.recipes.steps import Step
from edgepress.core import console
from edgepress.core.wording import counted

PRUNING, LAST_TRAINING = stored.TRAININGS[1:]
SLOWEST, FASTEST = 3.0, 0.5
"""Times the expected seconds: beyond them something else than the machine's pace was measured."""
EPOCHS = "student_epochs"
SET_BY_PACE = {PRUNING: ("prune_epochs", schedule.PRUNING_SHARE), LAST_TRAINING: (EPOCHS, 1.0)}
"""Stages whose epochs are chosen anew when they start: the variable of the recipe, and the share of
the time for training that is left. A teacher is the first, and before it no pace was seen."""


class Keeper:
    """Whoever runs a recipe asks it before each step and tells it after."""

    def __init__(self, folder: Path, ledger: Ledger, steps: Sequence[Step]) -> None:
        self.folder, self.ledger, self.steps = folder, ledger, tuple(steps)

    def before(self, step: Step) -> Step:
        """Return a step as it is run: pruning and the student get epochs that fit into the hours.

        On a machine that has become slower pruning would else take what the student needs.
        """
        epoch_s = self.ledger.epoch_s.get(step.stage)
        if step.stage not in SET_BY_PACE or self.ledger.hours is None or epoch_s is None:
            return step
        variable, share = SET_BY_PACE[step.stage]
        stated = self.ledger.value(variable) is None  # or they would be among the choices
        if stated or self._decided(step):
            return step
        epochs = schedule.fitting(self._left_s(step) * share, epoch_s * self._drift())
        console.say(f"{step.name}: {counted(epochs, 'epoch')} fit into what is left of the time")
        self._decide(step, epochs)
        return step.model_copy(update={"options": {**step.options, "epochs": epochs}})

    def planned(self, seconds: float) -> None:
        """Write down what a new plan has taken; one that is kept took it before."""
        if self.ledger.choices and stored.PLAN not in self.ledger.seconds:
            self._store(self.ledger.with_seconds(stored.PLAN, seconds))

    @contextmanager
    def timing(self, what: str, file: Path) -> Iterator[None]:
        """Write down what work has taken that writes a file; what was there took nothing."""
        before, started = _written(file), time.monotonic()
        try:
            yield
        finally:
            if before is None or before != _written(file):
                self._store(self.ledger.with_seconds(what, time.monotonic() - started))

    def ended(self, done: Done) -> None:
        """Write down that the recipe has come to its end."""
        update = {"chosen": dict(done.chosen), "complete": done.whole}
        self._store(self.ledger.model_copy(update=update))

    def _decided(self, step: Step) -> bool:
        earlier = step.repeats is not None and not self._last(step)
        return earlier or step.name in self.ledger.decided

    def _last(self, step: Step) -> bool:
        return [one for one in self.steps if one.repeats == step.repeats][-1].name == step.name

    def _left_s(self, step: Step) -> float:
        """Return the seconds left for a step and the trainings after it, once all else is done."""
        assert self.ledger.hours is not None
        place = [one.name for one in self.steps].index(step.name)
        others = [one.name for one in self.steps[place + 1 :] if one.stage not in SET_BY_PACE]
        later = [*others, *stored.AFTER_STEPS]
        expected = sum(self.ledger.expected_s.get(name, 0.0) for name in later)
        return 3600 * self.ledger.hours - self.ledger.spent_s - expected

    def _drift(self) -> float:
        """Return how much slower than expected the trainings before were."""
        names = [one.name for one in self.steps if one.stage in stored.TRAININGS]
        both = [
            (self.ledger.seconds[name], self.ledger.expected_s[name])
            for name in names
            if self.ledger.seconds.get(name) and self.ledger.expected_s.get(name)
        ]
        if not both:
            return 1.0
        took, expected = both[-1]
        return min(SLOWEST, max(FASTEST, took / expected))

    def _decide(self, step: Step, epochs: int) -> None:
        """Keep the epochs, so that a run that is stopped goes on with the same."""
        variable, _ = SET_BY_PACE[step.stage]
        before = self.ledger.value(variable)
        several = isinstance(before, list | tuple)
        value = [*before[:-1], epochs] if several else epochs
        choice = Choice(name=variable, value=value, reason="what was left of the time")
        ledger = self.ledger.with_choice(choice)
        expected = epochs * ledger.epoch_s[step.stage]
        update = {
            "decided": (*ledger.decided, step.name),
            "expected_s": {**ledger.expected_s, step.name: expected},
        }
        self._store(ledger.model_copy(update=update))

    def _store(self, ledger: Ledger) -> None:
        if ledger != self.ledger or not (self.folder / stored.FILE).exists():
            stored.write(self.folder, ledger)
        self.ledger = ledger


def _written(file: Path) -> int | None:
    """Return when a file was written, `None` where there is none."""
    return file.stat().st_mtime_ns if file.exists() else None
