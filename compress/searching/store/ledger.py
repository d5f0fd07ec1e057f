"""The trials of a search in its storage: begun, taken over, written down and ended.

Who works on a trial holds a lock on its folder, which the system frees when the process ends, in
whatever way. Where a folder is not shared, as between machines, a trial is given up for dead when
its heartbeat, a number, has not changed for a while by the clock of who looks at it: clocks of two
machines are never compared.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from compress.searching import proposing
from compress.searching.space import Choices, Space
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.search import TrialRecord

T = TypeVar("T")
RECORD, OWNER, BEAT, DEATHS = "record", "owner", "beat", "deaths"
CLOSED, SPENT = "closed", "spent_s"
BEAT_S = 5.0
STALE_S = 60.0
"""Without a beat for so long, a worker elsewhere is taken for dead."""
TRIES = 3
"""A trial whose workers have ended so often without a word ends too."""
PATIENCE_S = 60.0
"""How long a storage that does not answer is asked again."""


class StorageError(UserError):
    """The storage is gone: it ends the search, and no trial."""


@dataclass
class Ledger:
    """The trials, as one worker sees and changes them."""

    storage: BaseStorage
    study: int
    space: Space
    folder: Path
    """Of the search."""
    here: str
    """This machine and folder: locks of other ones say nothing."""
    patience_s: float = PATIENCE_S
    stale_s: float = STALE_S
    _seen: dict[int, tuple[object, float]] = field(default_factory=dict)

    def records(self) -> tuple[TrialRecord, ...]:
        """Return all trials that have choices, in their order."""
        found = self._asked(self.storage.get_all_trials, self.study, False)
        return tuple(one for trial in found if (one := _record(trial)) is not None)

    def begun(self) -> int:
        """Return the number of a new trial; it has no choices yet."""
        trial = self._asked(self.storage.create_new_trial, self.study)
        return self._asked(self.storage.get_trial_number_from_id, trial)

    def place(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"

    def choose(self, number: int, choices: Choices) -> TrialRecord:
        """Write down what a trial is made of."""
        trial = self._id(number)
        for name, value in choices.items():
            one = self.space[name]
            if one.value is None:
                kind = proposing.distribution(one)
                internal = kind.to_internal_repr(value)
                self._asked(self.storage.set_trial_param, trial, name, internal, kind)
        relative = self.place(number).relative_to(self.folder).as_posix()
        record = TrialRecord(number=number, state="running", choices=choices, folder=relative)
        self.put(record)
        return record

    def put(self, record: TrialRecord) -> None:
        """Write down how far a trial has come."""
        text = record.model_dump_json()
        self._asked(self.storage.set_trial_user_attr, self._id(record.number), RECORD, text)

    def end(self, record: TrialRecord) -> None:
        """Write down how a trial has ended; one that another worker has ended stays so."""
        trial = self._id(record.number)
        state = proposing.STATES[record.state]
        with suppress(UpdateFinishedTrialError):
            self.put(record)
            for name, over in record.excess.items():
                self._asked(self.storage.set_trial_system_attr, trial, f"constraints:{name}", over)
            self._asked(self.storage.set_trial_state_values, trial, state, proposing.values(record))

    def discard(self, number: int) -> None:
        """End a trial that was begun and gets no choices."""
        self._asked(self.storage.set_trial_state_values, self._id(number), TrialState.FAIL)

    @contextmanager
    def held(self, number: int) -> Iterator["Holding | None"]:
        """Hold a trial, as its only worker; `None` where another one holds it."""
        folder = self.place(number)
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield None
            return
        holding = Holding(self, number)
        try:
            with holding:
                yield holding
        finally:
            Path(lock.lock_file).unlink(missing_ok=True)  # while it is held
            lock.release()

    def abandoned(self) -> Iterator[int]:
        """Yield the trials that somebody has begun and nobody works on."""
        for trial in self._asked(self.storage.get_all_trials, self.study, False):
            if trial.state == TrialState.RUNNING and self._is_left(trial):
                yield trial.number

    def record(self, number: int) -> TrialRecord | None:
        """Return a trial, `None` where it has no choices yet."""
        return _record(self._asked(self.storage.get_trial, self._id(number)))

    @property
    def closed(self) -> bool:
        """Whether the search is over, so that no worker begins anything."""
        return bool(self.said(CLOSED))

    def said(self, what: str) -> Any:
        """Return an attribute of the search, `None` where there is none."""
        return self._asked(self.storage.get_study_user_attrs, self.study).get(what)

    def say(self, what: str, value: Any) -> None:
        """Write down an attribute of the search."""
        self._asked(self.storage.set_study_user_attr, self.study, what, value)

    def mark(self, number: int, what: str, value: Any) -> None:
        """Write down an attribute of a trial."""
        self._asked(self.storage.set_trial_user_attr, self._id(number), what, value)

    def marks(self, number: int) -> dict[str, Any]:
        """Return the attributes of a trial."""
        return dict(self._asked(self.storage.get_trial, self._id(number)).user_attrs)

    def _is_left(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get(OWNER)
        if owner == self.here or (owner is None and BEAT in trial.user_attrs):
            return True  # the lock tells, or it was laid down
        beat = trial.user_attrs.get(BEAT)
        known, since = self._seen.get(trial.number, (object(), 0.0))
        if beat != known:
            self._seen[trial.number] = beat, time.monotonic()
            return False
        return time.monotonic() - since > self.stale_s

    def _id(self, number: int) -> int:
        found: int = self._asked(
            self.storage.get_trial_id_from_study_id_trial_number, self.study, number
        )
        return found

    def _asked(self, ask: Callable[..., T], *words: Any) -> T:
        """Ask the storage, and again where it does not answer.

        Raises:
            StorageError: it does not for too long.
        """
        end = time.monotonic() + self.patience_s
        while True:
            try:
                return ask(*words)
            except (UpdateFinishedTrialError, KeyError, TypeError):
                raise
            except Exception as error:  # of a driver, a network, or a full disk
                if time.monotonic() > end:
                    raise StorageError(
                        f"The storage of the search does not answer any more ({error})",
                        next_step="the same command goes on once it does",
                    ) from None
                console.warn_once("the storage does not answer; it is asked again for a minute")
                time.sleep(1)


@dataclass
class Holding:
    """A trial in the hands of this worker: its heart beats until it is laid down."""

    ledger: Ledger
    number: int
    deaths: int = 0
    """How often its workers have ended without a word."""
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Holding":
        """Say who works on it, and begin to beat; an owner that is still named has died."""
        known = self.ledger.marks(self.number)
        self.deaths = int(known.get(DEATHS, 0)) + bool(known.get(OWNER))
        self.ledger.mark(self.number, DEATHS, self.deaths)
        self.ledger.mark(self.number, OWNER, self.ledger.here)
        self.ledger.mark(self.number, BEAT, 0)
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Lay it down, in whatever way the work has ended; a killed worker does not come here."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        with suppress(UpdateFinishedTrialError, UserError):
            self.ledger.mark(self.number, OWNER, None)

    def _beat(self) -> None:
        beat = 0
        while not self._ended.wait(BEAT_S):
            beat += 1
            with suppress(Exception):  # the next one may be heard
                trial = self.ledger._id(self.number)
                self.ledger.storage.set_trial_user_attr(trial, BEAT, beat)


def _record(trial: FrozenTrial) -> TrialRecord | None:
    text = trial.user_attrs.get(RECORD)
    return None if text is None else TrialRecord.model_validate_json(text)
