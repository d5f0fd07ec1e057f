"""LiteRT (TensorFlow Lite): Android, and small Linux boards.

The converter wants an older typing-extensions than pydantic does, so it has an environment of its
own (`make litert`); running a file needs nothing that conflicts.
"""

import importlib.util
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from edgepress.core.errors import UserError
from export.converting.formats._format import CannotRunError, Format, Images, Probs, Source, ended

MODEL = "model.tflite"
SCRIPT = Path(__file__).with_name("_litert_converter.py")
TIMEOUT_S = 3600
FORMAT = Format(
    name="litert",
    description="LiteRT (TensorFlow Lite) on Android and small Linux boards",
    made_from="torch",
    refusal="LiteRT's tool, ai-edge-quantizer, quantizes the PyTorch network",
    makes=("int8",),
    apart=True,
)


def write(source: Source, folder: Path) -> None:
    """Write `model.tflite`: one input `[1, c, height, width]`, one output `[1, labels]`, float32.

    Raises:
        UserError: the converter's environment is not there, or it cannot convert the model.
    """
    import torch

    from export.converting.formats._program import program

    python = _interpreter()
    with tempfile.TemporaryDirectory(prefix="edgepress-litert-") as work:
        saved, images = Path(work) / "network.pt2", Path(work) / "images.npy"
        torch.export.save(program(source), saved)
        command = [str(python), "-I", str(SCRIPT), str(saved), str((folder / MODEL).resolve())]
        if source.calibration is not None:
            np.save(images, np.concatenate(list(source.calibration.inputs())))
            command.append(str(images))
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=work
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"The conversion to LiteRT did not finish in {TIMEOUT_S} s") from None
    if done.returncode or not (folder / MODEL).is_file():
        raise UserError(f"LiteRT cannot convert the model ({ended(done)})", got=source.given.path)


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of network inputs.

    Raises:
        CannotRunError: ai-edge-litert is not installed.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise CannotRunError("ai-edge-litert is not installed: pip install 'edgepress[litert]'")
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / MODEL), num_threads=1)
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images:
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        rows.append(interpreter.get_tensor(made["index"]))
    return np.concatenate(rows)


def environment() -> Path:
    """Return the folder of the converter's environment: `$EDGEPRESS_LITERT`, or `.venv-litert`."""
    return Path(os.environ.get("EDGEPRESS_LITERT", ".venv-litert"))


def _interpreter() -> Path:
    """Return the Python of the converter's environment."""
    folder = environment()
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    python = folder.absolute().joinpath(*parts)  # resolved, it would leave the environment
    if not python.is_file():
        raise UserError(
            "The environment of LiteRT's converter is not there",
            got=folder,
            next_step="make litert (or set EDGEPRESS_LITERT to its folder)",
        )
    return python
