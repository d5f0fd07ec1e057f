"""Keeps a watch in a folder: `state.json`, replaced whole, and `feedback.csv`, appended to."""

import contextlib
import errno
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import files
from .doubtful.feedback import Feedback
from .errors import WatchError
from .restoring import watch_from
from .signals import Labels
from .watcher import Watch

STATE, DAMAGED, PREVIOUS = "state.json", "state.damaged.json", "state.previous.json"
SAVE_EVERY_S = 10.0
"""What a power cut can lose, and how often the disk is written to."""


class WatchFolder:
    """A watch that survives the process: goes on where it was, and saves itself every 10 s.

    One process at a time, any number of threads. Use it as a context, or call `close`.
    """

    def __init__(
        self,
        folder: Path,
        reference: dict[str, Any] | None,
        labels: Labels,
        keep_images: bool = False,
    ) -> None:
        """Go on with what is in the folder, or begin there.

        A state that is damaged, or that was counted against another reference (an older release's),
        is put aside under another name, and `remarks` says so.

        Args:
            folder: Made where there is none.
            reference: What the bundle's manifest holds.
            labels: `names` and `thresholds` of the manifest.
            keep_images: Keep doubtful images in the folder's `images`, which are then to be fetched
                with `feedback.csv`.

        Raises:
            WatchError: the folder cannot be used, another process watches into it, or the reference
                is none.
        """
        self.folder, self.remarks = folder, list[str]()
        """What the user must be told, oldest first."""
        self._mutex, self._due_s = threading.Lock(), 0.0
        new = Watch(reference, labels)
        with contextlib.ExitStack() as undo:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = undo.enter_context(_locked(folder))
                self.watch = self._resumed(new)
                self.feedback = Feedback(folder, labels, keep_images)
                self._remark(*self.feedback.remarks)
                self._first_save()
            except OSError as error:
                raise WatchError(f"The folder of the watch cannot be used ({error}).") from None
            undo.pop_all()  # all went well: the lock stays

    def observe(
        self, image: NDArray[np.uint8], probs: Sequence[float] | NDArray[Any], seconds: float
    ) -> None:
        """Count an image and the answer to it, and write it down if it is doubtful.

        A disk that is full is a remark: a device that cannot be watched still answers.

        Args:
            image: uint8 `[height, width, 3]`, as the camera took it.
            probs: `[labels]`.
            seconds: What the answer took.

        Raises:
            WatchError: not one probability for each label.
        """
        with self._mutex:
            self.watch.observe(image, probs, seconds)
            try:
                self.feedback.offer(image, probs)
                self._remark(*self.feedback.remarks)
                if time.monotonic() >= self._due_s:
                    self._write()
            except OSError as error:
                self._due_s = time.monotonic() + SAVE_EVERY_S
                self._remark(f"The watch cannot be saved ({error}).")

    def save(self) -> None:
        """Save the state now.

        Raises:
            OSError: it cannot be written.
        """
        with self._mutex:
            self._write()

    def close(self) -> None:
        """Save the state and let another process have the folder.

        Raises:
            OSError: the state cannot be written.
        """
        try:
            self.save()
        finally:
            self._lock.close()

    def __enter__(self) -> "WatchFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_save(self) -> None:
        """Save, so that a folder that cannot be written is told before any work."""
        try:
            self.save()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self._remark(f"The watch cannot be saved ({error}).")  # there may be room later

    def _write(self) -> None:
        text = json.dumps(self.watch.state(), separators=(",", ":"))
        files.replace(self.folder / STATE, text.encode())
        self._due_s = time.monotonic() + SAVE_EVERY_S

    def _resumed(self, new: Watch) -> Watch:
        file = self.folder / STATE
        if not file.exists():
            return new
        try:
            found = watch_from(json.loads(file.read_bytes()))
        except (ValueError, RecursionError, WatchError) as error:
            aside = files.put_aside(file, DAMAGED).name
            told = error if isinstance(error, WatchError) else "The state of the watch is damaged."
            self._remark(f"{told} It was put aside as {aside}, and counting begins anew.")
            return new
        if (found.reference, found.labels) == (new.reference, new.labels):
            return found
        aside = files.put_aside(file, PREVIOUS).name
        self._remark(
            f"The state was counted against another reference. It was put aside as {aside}, "
            "and counting begins anew."
        )
        return new

    def _remark(self, *texts: str) -> None:
        self.remarks.extend(text for text in texts if text not in self.remarks)


def _locked(folder: Path) -> Any:
    """Return a file whose lock ends with this process, however it ends.

    Raises:
        WatchError: another process holds it.
    """
    stream = (folder / ".lock").open("w")
    if not files.try_lock(stream.fileno()):
        stream.close()
        raise WatchError(f"Another process watches into this folder. Got: {folder}.")
    return stream
