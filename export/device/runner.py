"""The model in use: opened, held against its promises while on probation, replaced by itself.

With a root the release may change while a process runs: `install` switches, the watchdog rolls
back. The next prediction is then made by the other release.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import slots, tune
from .bundle import MANIFEST, Bundle, open_folder
from .errors import DeviceError, ModelFailed
from .probation import MOST_STARTS, Watchdog
from .session import Prediction, Predictor

LOOK_EVERY_S = 1.0
"""How often another release is looked for."""


class FolderRunner:
    """Predicts with the bundle of a folder."""

    def __init__(self, folder: Path) -> None:
        self.predictor = Predictor(open_folder(folder))

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Return what the model says about a uint8 RGB image `[height, width, 3]`.

        Raises:
            DeviceError: an image of another form.
            ModelFailed: the model raised an error or gave no probabilities.
        """
        return self.predictor.predict(image)

    def close(self) -> None:
        """Do nothing: nothing is kept."""


class RootRunner:
    """Predicts with whatever release a root has in use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._watchdog: Watchdog | None
        self._open()

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Return what the model says about a uint8 RGB image `[height, width, 3]`.

        Raises:
            DeviceError: an image of another form.
            ModelFailed: the model raised an error or gave no probabilities.
        """
        self._follow()
        predictor = self.predictor
        try:
            prediction = predictor.predict(image)
        except ModelFailed as error:
            self._note(predictor, None, str(error))
            raise
        if self._watchdog is not None:
            self._note(predictor, prediction.seconds, "")
        return prediction

    def close(self) -> None:
        """Store how far the probation is; this process has ended well."""
        with self._lock:
            watchdog, self._watchdog = self._watchdog, None
            if watchdog is None:
                return
            try:
                self._store(watchdog, ended=1)
            except DeviceError as problem:
                _say(f"warning: the probation cannot be stored: {problem}")

    def _open(self) -> None:
        self._looked, self._seen = time.monotonic(), _release_in_use(self._root)
        self.predictor = _open_root(self._root)
        self._watchdog = _watchdog(self._root, self.predictor.bundle)

    def _follow(self) -> None:
        """Open the release in use if it is another one by now."""
        if time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        with self._lock:
            self._looked = time.monotonic()
            seen = _release_in_use(self._root)
            if seen is not None and seen != self._seen:
                self.close()
                self._open()

    def _note(self, predictor: Predictor, seconds: float | None, error: str) -> None:
        """Tell the watchdog, and do what it says."""
        with self._lock:
            watchdog = self._watchdog
            if watchdog is None or predictor is not self.predictor:
                return
            reason = watchdog.failed(error) if seconds is None else watchdog.predicted(seconds)
            if reason is not None:
                self._roll_back(reason)
                return
            try:
                if watchdog.passed:
                    self._commit()
                elif watchdog.worth_storing:
                    self._store(watchdog)
            except DeviceError as problem:  # a disk that is full does not end predictions
                watchdog.stored()
                _say(f"warning: the probation cannot be stored: {problem}")

    def _roll_back(self, reason: str) -> None:
        self._watchdog = None
        try:
            with slots.locked(self._root):
                bundle = _rolled_back(self._root, reason)
            self.predictor = _predictor(self._root, bundle)
        except DeviceError as problem:  # what is in memory is all there is
            _say(f"the release should go back ({reason}) and cannot: {problem}")
        self._seen = _release_in_use(self._root)

    def _commit(self) -> None:
        self._watchdog = None
        with slots.locked(self._root):
            slots.commit(self._root)
        _say(f"release {self.predictor.bundle.release} is kept")

    def _store(self, watchdog: Watchdog, ended: int = 0) -> None:
        """Add what this process has counted to the state."""
        with slots.locked(self._root):
            state = slots.read_state(self._root)
            probation = state.probation
            if probation is None:
                return
            counted = replace(
                probation,
                predictions=probation.predictions + watchdog.new_predictions,
                errors=probation.errors + watchdog.new_errors,
                starts=max(0, probation.starts - ended),
            )
            slots.write_state(self._root, replace(state, probation=counted))
        watchdog.stored()


Runner = FolderRunner | RootRunner


@contextmanager
def running(bundle: Path | None, root: Path | None) -> Iterator[Runner]:
    """Open the bundle of a folder or the release that a root has in use.

    Raises:
        DeviceError: there is none.
        ModelFailed: it cannot be opened, and there is no way back.
    """
    if root is None:
        assert bundle is not None
        yield FolderRunner(bundle)
        return
    runner = RootRunner(root)
    try:
        yield runner
    finally:
        runner.close()


def _open_root(root: Path) -> Predictor:
    """Open the release in use; go back to the other slot if it is damaged or keeps dying."""
    with slots.locked(root):
        slots.recover(root)
        probation = slots.read_state(root).probation
        if probation is not None and probation.starts >= MOST_STARTS:
            reason = f"{probation.starts} processes opened it and died"
            return _predictor(root, _rolled_back(root, reason))
        if slots.active(root) is None:
            return _predictor(root, slots.opened(root))
        try:
            return _predictor(root, slots.opened(root))
        except DeviceError as error:
            return _predictor(root, _rolled_back(root, str(error)))


def _predictor(root: Path, bundle: Bundle) -> Predictor:
    return Predictor(bundle, tune.stored(root))


def _watchdog(root: Path, bundle: Bundle) -> Watchdog | None:
    """Return the watchdog of a release on probation, and note that a process has opened it."""
    with slots.locked(root):
        state = slots.read_state(root)
        probation = state.probation
        if probation is None or slots.folder(root, probation.slot) != bundle.folder:
            return None
        counted = replace(probation, starts=probation.starts + 1)
        try:
            slots.write_state(root, replace(state, probation=counted))
        except OSError as problem:
            _say(f"warning: the probation cannot be stored ({problem.strerror})")
    left = max(1, probation.wanted - probation.predictions)
    return Watchdog(left, probation.errors, bundle.latency_budget_s)


def _release_in_use(root: Path) -> tuple[int, int] | None:
    """Return what differs when another release is in use: slots are filled again."""
    try:
        found = (root / "current" / MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _rolled_back(root: Path, reason: str) -> Bundle:
    bundle = slots.roll_back(root, reason)
    _say(f"rolled back to release {bundle.release}: {reason}")
    return bundle


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
