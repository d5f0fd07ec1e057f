"""A few small images and what a model answered to them: whether it is still the same model.

A network is rebuilt by the name of its architecture, and what the name stands for may have changed
since: the user's own factory, a new version of timm. Its weights then still fit, and whatever is
compared with it agrees with it. So an artifact keeps answers of the model that was measured, and a
model that is loaded has to give them again.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console, environment
from edgepress.core.alike import KERNELS
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.eval_file import UNREADABLE
from edgepress.core.image_spec import ImageSpec
from edgepress.data import pixels
from edgepress.data.context import Context

PROBE_FILE = "probe.npz"
PHOTOGRAPHS = 6
NOISE = 2
SIDE = 32
"""Height and width of a stored image, pixels: 3 kB each."""

_BUILT = "what its architecture's name builds"
_RUN = "the runtime, with the same file,"

Small = NDArray[np.uint8]
"""`[n, 32, 32, channels]`"""
Answers = NDArray[np.float32]
"""`[n, labels]`, logits of a network or probabilities of a file."""
Run = Callable[[NDArray[np.float32]], Answers]
"""Images `[n, channels, h, w]` -> answers."""


def images(context: Context) -> Small:
    """Return evenly spaced photographs from beside the test part, made small, and noise."""
    among = context.rows(context.beside_test)
    places = np.linspace(0, len(among) - 1, min(PHOTOGRAPHS, len(among))).astype(int)
    whole = pixels.decoded(context.dataset, context.spec)[among[places]]
    noise = np.random.RandomState(0).randint(0, 256, (NOISE, SIDE, SIDE, context.spec.channels))
    return np.concatenate([_resampled(whole, SIDE, SIDE), noise.astype(np.uint8)])


def inputs(small: Small, spec: ImageSpec) -> NDArray[np.float32]:
    """Return the network's input `[n, c, h, w]`: every pixel is repeated, no library resizes."""
    return pixels.normalise(_resampled(small, spec.height, spec.width), spec)


def write(run: Run, small: Small, spec: ImageSpec, folder: Path) -> None:
    """Store what a model answers in the folder of its artifact.

    Raises:
        UserError: an answer is not finite.
    """
    answers = np.asarray(run(inputs(small, spec)), np.float32)
    bad = int((~np.isfinite(answers)).any(axis=1).sum())
    if bad:
        raise UserError(
            "The model gives answers that are not finite",
            got=f"NaN or infinite values for {bad} of {len(small)} images",
            next_step="if it was just trained, lower --learning-rate; else look for a division by "
            "0 or a root of 0 in the network",
        )
    np.savez_compressed(folder / PROBE_FILE, images=small, answers=answers)


def check(run: Run, model: Artifact) -> None:
    """Refuse a model that answers its stored images otherwise than when it was measured.

    Of a network without stored answers it is said once that nothing is known. The graph of an ONNX
    file is fixed, so only its runtime can have changed.

    Raises:
        UserError: it does, or its stored answers cannot be read.
    """
    path = model.path / PROBE_FILE
    network = model.manifest.kind == "torch"
    if not path.is_file():
        if network:
            _say_unknown(model.path)
        return
    small, told = _read(path)
    answers = run(inputs(small, model.manifest.image))
    moved = difference(answers, told)
    if not moved <= KERNELS.probs:
        raise UserError(
            f"The model is not the one that was measured: {_BUILT if network else _RUN} now "
            f"answers {len(small)} stored images otherwise, by up to {moved:.2g} of the largest "
            "answer",
            got=f"{model.path}{_versions(model)}",
            allowed=f"up to {KERNELS.probs:g}, for CPUs that add up in another order",
            next_step="bring back the source of the architecture, or the library's version, that "
            "it was made with; or make the artifact again",
        )


def difference(answers: Answers, told: Answers) -> float:
    """Return the largest difference as a share of the largest answer, or of 1 if that is more.

    >>> difference(np.float32([[1.0, 20.0]]), np.float32([[1.0, 10.0]]))
    1.0
    """
    if answers.shape != told.shape:
        return float("inf")
    return float(np.abs(answers - told).max() / max(1.0, np.abs(told).max()))


def _resampled(whole: NDArray[np.uint8], height: int, width: int) -> Small:
    """Return the nearest pixels of images `[n, h, w, channels]`, by whole numbers."""
    rows = np.arange(height) * whole.shape[1] // height
    columns = np.arange(width) * whole.shape[2] // width
    return np.ascontiguousarray(whole[:, rows][:, :, columns])


def _read(path: Path) -> tuple[Small, Answers]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return stored["images"], stored["answers"]
    except UNREADABLE as error:
        raise UserError(f"The stored answers cannot be read ({error})", got=path) from None


def _versions(model: Artifact) -> str:
    changed = environment.changed(model.manifest.environment.get("versions", {}))
    return f" ({changed})" if changed else ""


@cache
def _say_unknown(path: Path) -> None:
    """Say once that a model of before cannot be held against its own answers."""
    console.say(
        f"{path} stores no answers (an older edgepress made it): whether {_BUILT} now is what was "
        "measured is not known"
    )
