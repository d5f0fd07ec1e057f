"""The model in use: opened, held against its promises while on probation, replaced by itself.

With a root the release may change while a process runs: `install` switches, a watchdog rolls back,
this process's or another's. The next prediction is then made by the other release.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import open_folder
from ..errors import DeviceError, ModelFailed
from ..model.session import Prediction, Predictor
from ..root import slots
from ..root.layout import mark
from ..root.locks import locked
from ..root.slots import say
from ..root.state import Probation, read_state, write_state
from .opening import Opened, on_probation, open_root
from .probation import Watchdog

LOOK_EVERY_S = 1.0
"""How often another release is looked for."""
AGAIN_AFTER_S = 60.0
"""When one that could not be opened is tried again."""


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


class RootRunner:
    """Predicts with whatever release a root has in use; used by several threads at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._following = threading.Lock()
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        self._told = ""
        self._now = open_root(root)

    @property
    def predictor(self) -> Predictor:
        """The release that the next prediction is made by."""
        return self._now.predictor

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Return what the model says about a uint8 RGB image `[height, width, 3]`.

        Raises:
            DeviceError: an image of another form.
            ModelFailed: the model raised an error or gave no probabilities.
        """
        self._follow()
        now = self._now
        try:
            prediction = now.predictor.predict(image)
        except ModelFailed as error:
            self._note(now, error)
            raise
        self._note(now, prediction.seconds)
        return prediction

    def close(self) -> None:
        """Store how far the probation is; this process has ended well."""
        with self._lock:
            self._end(self._now)
            self._drop_watchdog()

    def _follow(self) -> None:
        """Open the release in use if it is another one by now; other threads predict meanwhile."""
        if time.monotonic() < self._look_at_s or not self._following.acquire(blocking=False):
            return
        try:
            self._look_at_s = time.monotonic() + LOOK_EVERY_S
            seen = mark(self._root)
            if seen is not None and seen != self._now.mark:
                self._change()
        finally:
            self._following.release()

    def _change(self) -> None:
        """Open what is in use; where that fails, what is open is kept."""
        try:
            new = open_root(self._root)
        except DeviceError as problem:
            self._look_at_s = time.monotonic() + AGAIN_AFTER_S
            if self._told != str(problem):
                release = self.predictor.bundle.release
                say(f"another release is in use, and release {release} predicts here: {problem}")
            self._told = str(problem)
            return
        with self._lock:
            old, self._now, self._told = self._now, new, ""
            self._end(old)

    def _end(self, opened: Opened) -> None:
        """Store what was counted, and note that no death has ended it."""
        try:
            if opened.watchdog is not None:
                self._store(opened, opened.watchdog)
        except DeviceError as problem:
            say(f"warning: the probation cannot be stored: {problem}")
        finally:
            if opened.life is not None:
                opened.life.ended_well()

    def _note(self, opened: Opened, found: float | ModelFailed) -> None:
        """Tell the watchdog how long a prediction took, or what went wrong, and do what it says."""
        if opened.watchdog is None:
            return
        with self._lock:
            watchdog = self._now.watchdog
            if watchdog is None or watchdog is not opened.watchdog:
                return
            if isinstance(found, float):
                watchdog.predicted(found)
            else:
                watchdog.failed(str(found))
            try:
                self._judge(watchdog)
            except DeviceError as problem:  # a disk that is full does not end predictions
                watchdog.rest()
                say(f"warning: the probation cannot be stored: {problem}")

    def _judge(self, watchdog: Watchdog) -> None:
        if watchdog.worth_storing and not self._store(self._now, watchdog):
            self._drop_watchdog()  # another process has kept it, or gone back
        elif (reason := watchdog.objection) is not None:
            self._roll_back(watchdog, reason)
        elif watchdog.passed:
            self._commit()

    def _roll_back(self, watchdog: Watchdog, reason: str) -> None:
        """Go back, unless another process has decided before; then open what is in use."""
        with locked(self._root):
            if self._probation_of(self._now):
                try:
                    slots.told_roll_back(self._root, reason)
                except DeviceError as problem:  # what is in memory is all there is
                    watchdog.rest()
                    say(f"the release should go back ({reason}) and cannot: {problem}")
                    return
        self._drop_watchdog()
        if mark(self._root) != self._now.mark:
            self._change()

    def _commit(self) -> None:
        with locked(self._root):
            if self._probation_of(self._now):
                slots.commit(self._root)
                say(f"release {self.predictor.bundle.release} is kept")
        self._drop_watchdog()

    def _drop_watchdog(self) -> None:
        if self._now.life is not None:
            self._now.life.ended_well()
        self._now = replace(self._now, watchdog=None, life=None)

    def _store(self, opened: Opened, watchdog: Watchdog) -> bool:
        """Add what was counted here to the state, and take over what others have counted.

        Returns:
            Whether the release is still on probation.
        """
        with locked(self._root):
            probation = self._probation_of(opened)
            if probation is None:
                return False
            counted = watchdog.counted(probation)
            write_state(self._root, replace(read_state(self._root), probation=counted))
        watchdog.stored(counted)
        return True

    def _probation_of(self, opened: Opened) -> Probation | None:
        """Return the probation of what was opened; the root must be locked."""
        if mark(self._root) != opened.mark:
            return None
        return on_probation(self._root, opened.predictor.bundle)


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
