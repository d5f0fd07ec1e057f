"""One trial, from its cost to the file that is judged, and from wherever it was left."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compress.recipes.running import Place, run_step
from compress.recipes.steps import Step
from compress.searching import clock, costs, steps
from compress.searching.bench import Bench
from compress.searching.clock import OutOfTimeError
from compress.searching.halving import given_up, map_at
from compress.searching.store.ledger import StorageError
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.commands import made_by
from edgepress.core.errors import EdgepressError, GateFailed, GateUndecided, UserError
from edgepress.core.search import State, TrialRecord


class ChangedError(StorageError):
    """The data are others than those of the search."""


@dataclass
class Attempt:
    """The work of one worker at a trial."""

    bench: Bench
    record: TrialRecord
    _since: float = field(default_factory=time.monotonic)

    def outcome(self) -> TrialRecord:
        """Return the trial at its end, whatever that is; what is wrong with it ends it alone.

        Raises:
            StorageError: the storage is gone, or the data have changed.
            OutOfTimeError: the hours are over; what is done so far is kept.
        """
        try:
            return self._tried()
        except StorageError:
            raise
        except EdgepressError as error:
            return self._failed(str(error))
        except Exception as error:  # a fault of ours, a library's, the memory's or the disk's
            return self._failed(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")

    def _tried(self) -> TrialRecord:
        if self.record.latency_s is None:
            with clock.limited(self.bench.left_s()):
                figures, too_much = self.bench.ruler.measured(self.bench.stand_in(self.record))
            found = costs.updated(self.record, figures).model_dump(include=costs.FIGURES)
            if too_much:
                reason = "its untrained network exceeds the budget"
                return self._ended("infeasible", reason, **found)
            self._put(**found)
        step = self.bench.frame.pruned(self.record.choices)
        if step is not None:
            self._made(step)
        for rung in range(len(self.bench.frame.rungs)):
            why = self._rung(rung)
            if why is not None:
                return self._ended("pruned", why)
        return self._judged()

    def _rung(self, rung: int) -> str | None:
        """Teach the student up to the end of a rung; return why it does not go on, if so."""
        bench, epochs = self.bench, self.bench.frame.rungs[rung]
        others = bench.others(self.record.number)
        if map_at(self.record, epochs) is None or not self._is_there(steps.named(epochs)):
            expected = clock.expected_s(self.record, others, rung, bench.frame.rungs)
            if expected > bench.left_s():
                raise OutOfTimeError("the next rung would not end within the hours")
            started = time.monotonic()
            made = self._made(bench.frame.distilled(self.record.choices, rung))
            self._put(**self._learnt(made, epochs, time.monotonic() - started))
            others = bench.others(self.record.number)
        is_last = rung == len(bench.frame.rungs) - 1
        return None if is_last else given_up(self.record, others, epochs)

    def _learnt(self, made: Artifact, epochs: int, seconds: float) -> dict[str, Any]:
        found = _map(made)
        rung = {"epochs": epochs, "map": found, "seconds": seconds}
        kept = [one.model_dump() for one in self.record.rungs if one.epochs < epochs]
        return {"rungs": [*kept, rung], "epochs": epochs, "map": found}

    def _judged(self) -> TrialRecord:
        for step in self.bench.frame.exported(self.record.choices):
            file = self._made(step)
        with clock.limited(self.bench.left_s()):
            figures, _ = self.bench.ruler.measured(file)
        found = costs.updated(self.record, figures).model_dump(include=costs.FIGURES)
        return self._ended("complete", None, map=_map(file), **found)

    def _made(self, step: Step) -> Artifact:
        """Run a stage; a gate that is not met does not end a trial whose artifact is there.

        Raises:
            UserError, GateFailed, GateUndecided: there is none.
            ChangedError: the data are others than those of the search.
        """
        bench = self.bench
        if bench.ledger.closed:
            raise OutOfTimeError("the search is over")
        place = Place(bench.frame.data, self._folder, bench.frame.skip_bad_images)
        try:
            with clock.limited(bench.left_s()):
                made = run_step(step, place)
        except (GateFailed, GateUndecided):
            if not self._is_there(step.name):
                raise
            made = artifacts.load(self._folder / step.name)
        _require_same_data(made, bench.fingerprint)
        command = made_by(made.manifest)
        if command is not None and command not in self.record.commands:
            console.say(f"again: {command}")
            self._put(commands=(*self.record.commands, command))
        return made

    def _is_there(self, name: str) -> bool:
        return artifacts.is_artifact(self._folder / name)

    @property
    def _folder(self) -> Path:
        return self.bench.ledger.place(self.record.number)

    def _put(self, **changes: Any) -> None:
        """Write down how far it is, and how long it took."""
        now = time.monotonic()
        seconds = self.record.seconds + now - self._since
        self._since = now
        fields = {**self.record.model_dump(), **changes, "seconds": seconds}
        self.record = TrialRecord.model_validate(fields)
        if self.record.state == "running":
            self.bench.ledger.put(self.record)

    def _ended(self, state: State, reason: str | None, **changes: Any) -> TrialRecord:
        self._put(state=state, reason=reason, **changes)
        self.bench.ledger.end(self.record)
        return self.record

    def _failed(self, reason: str) -> TrialRecord:
        """End it by an error; what a rerun would go on from is of no use any more."""
        for left in self._folder.glob(".*.work-*"):
            shutil.rmtree(left, ignore_errors=True)
        return self._ended("failed", reason)


def remade(bench: Bench, number: int) -> None:
    """Make the artifacts of a trial again where its worker had another folder than this one.

    Raises:
        UserError: they cannot be made.
    """
    record, folder = bench.ledger.record(number), bench.ledger.place(number)
    assert record is not None  # it has come to its end
    place = Place(bench.frame.data, folder, bench.frame.skip_bad_images)
    for step in bench.frame.steps(record.choices):
        if not artifacts.is_artifact(folder / step.name):
            console.say(f"trial {number} was made elsewhere: {step.name} is made again here")
            with suppress(GateFailed, GateUndecided):
                run_step(step, place)


def _map(made: Artifact) -> float:
    """Return the mAP of a model on the validation part.

    Raises:
        UserError: it is not defined.
    """
    found = made.manifest.measurements.map
    if found is None:
        raise UserError("mAP is not defined on the validation part: no label has both values")
    return found


def _require_same_data(made: Artifact, fingerprint: str) -> None:
    known = made.manifest.data
    if known is not None and known.fingerprint != fingerprint:
        raise ChangedError(
            "The data have changed since the search began: trials before and after do not compare",
            got=known.source,
            next_step="put them back as they were, or begin anew: another --out",
        )
