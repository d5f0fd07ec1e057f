"""A format whose libraries behave as `HOW` says, where the model is written or run."""

import os
import signal
import sys
from pathlib import Path
from shutil import copyfile

import numpy as np

from edgepress.core.errors import UserError
from export.converting.formats._format import CannotRunError, Format, Images, Probs, Source

HOW = "EDGEPRESS_TEST_DYING"
FORMAT = Format(name="dying", description="d", makes=("int8",), apart=True)


def write(source: Source, folder: Path) -> None:
    """Copy the ONNX file."""
    _behave("write")
    if source.calibration is not None:
        inputs = np.concatenate(list(source.calibration.inputs()))
        np.save(folder / "seen.npy", inputs)
    copyfile(source.model.weights, folder / "model.onnx")


def run(folder: Path, images: Images) -> Probs:
    """Run the copy."""
    import onnxruntime

    _behave("run")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return np.concatenate([session.run(None, {"image": image})[0] for image in images])


def _behave(where: str) -> None:
    print("what a library prints")
    os.write(1, b"and what its C++ does\n")
    place, _, how = os.environ.get(HOW, "").partition(" ")
    if place != where:
        return
    print("the last words", file=sys.stderr, flush=True)
    if how == "abort":
        os.abort()
    if how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "exit":
        os._exit(7)
    if how == "refusal":
        raise UserError("It is too large", next_step="make DIR")
    if how == "elsewhere":
        raise CannotRunError("it runs elsewhere")
    raise KeyError("a bug")
