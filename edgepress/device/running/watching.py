"""`--watch DIR`: what is seen and answered is counted, for the release that is in use."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Bundle
from ..errors import DeviceError
from ..model.session import Prediction


class Watching:
    """The watch of the release in use; another release is held against its own reference."""

    def __init__(self, folder: Path, keep_images: bool, bundle: Bundle) -> None:
        """Open the folder.

        Raises:
            DeviceError: it cannot be used.
        """
        self._folder = folder
        self._keep_images = keep_images
        self._before: Bundle | None = None
        self._watch: Any = None
        self._open(bundle)

    def observe(self, image: NDArray[np.uint8], prediction: Prediction) -> None:
        """Count one image and the answer to it.

        Not the late answer of a release that another one has followed: each is held against its own
        reference, and going back and forth would put the counts aside each time.
        """
        if prediction.bundle is self._before:
            return
        if prediction.bundle is not self._bundle:
            self._change(prediction.bundle)
        if self._watch is not None:
            self._watch.observe(image, prediction.probs, prediction.seconds)
            self._say_remarks()

    def close(self) -> None:
        """Save what was counted; a disk that is full is told."""
        try:
            if self._watch is not None:
                self._watch.close()
        except OSError as error:
            print(f"warning: the watch cannot be saved ({error.strerror})", file=sys.stderr)

    def __enter__(self) -> "Watching":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, bundle: Bundle) -> None:
        """Watch another release; where that cannot be, it answers without."""
        self.close()
        self._before = self._bundle
        try:
            self._open(bundle)
        except DeviceError as problem:
            self._watch = None
            print(f"warning: release {bundle.release} is not watched: {problem}", file=sys.stderr)

    def _open(self, bundle: Bundle) -> None:
        from ..watch import WatchError, WatchFolder  # only here: most do not watch

        self._bundle, self._said = bundle, 0
        labels = {key: bundle.manifest["labels"][key] for key in ("names", "thresholds")}
        reference = bundle.manifest.get("reference")
        try:
            self._watch = WatchFolder(self._folder, reference, labels, self._keep_images)
        except WatchError as error:
            raise DeviceError(str(error)) from None
        self._say_remarks()

    def _say_remarks(self) -> None:
        for remark in self._watch.remarks[self._said :]:
            print(f"warning: {remark}", file=sys.stderr)
        self._said = len(self._watch.remarks)


def watching(options: Namespace, bundle: Bundle) -> Watching | None:
    """Return the watch that the command's options ask for, if any.

    Raises:
        DeviceError: its folder cannot be used.
    """
    if options.watch is None:
        if options.keep_images:
            raise DeviceError("--keep-images goes with --watch DIR")
        return None
    return Watching(options.watch, options.keep_images, bundle)
