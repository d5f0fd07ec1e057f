"""ncnn, through pnnx: phones and small ARM boards, on the CPU and through Vulkan."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copyfile

import numpy as np

from edgepress.core.errors import UserError
from export.converting.formats._format import DoesNotRunError, Format, Images, Probs, Source, ended

STRUCTURE, WEIGHTS = "model.param", "model.bin"
RUNNER = Path(__file__).with_name("_ncnn_runner.py")
TIMEOUT_S = 600
FORMAT = Format(
    name="ncnn",
    description="ncnn on phones and small ARM boards, CPU or Vulkan",
    refusal="pnnx does not read the QuantizeLinear nodes of an int8 ONNX file; ncnn quantizes with "
    "tools of its own, ncnn2table and ncnn2int8",
    packages=("pnnx", "ncnn"),
    extra="ncnn",
)


def write(source: Source, folder: Path) -> None:
    """Write `model.param` and `model.bin`: input blob `in0`, output blob `out0`, fp32 weights.

    Raises:
        UserError: pnnx cannot convert the model.
    """
    spec = source.model.manifest.image
    with tempfile.TemporaryDirectory(prefix="edgepress-pnnx-") as work:
        model = Path(work) / "model.onnx"
        copyfile(source.model.weights, model)
        shape = f"inputshape=[1,{','.join(map(str, spec.shape))}]"
        said = _pnnx([str(model), shape, "fp16=0"])
        made = (Path(work) / "model.ncnn.param", Path(work) / "model.ncnn.bin")
        if not all(file.is_file() for file in made):
            raise UserError(f"pnnx cannot convert the model ({said})", got=source.model.weights)
        for file, name in zip(made, (STRUCTURE, WEIGHTS), strict=True):
            copyfile(file, folder / name)


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of network inputs.

    Raises:
        DoesNotRunError: ncnn does not read or run the model, or its process dies of it.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-ncnn-") as work:
        inputs, probs = Path(work) / "inputs.npy", Path(work) / "probs.npy"
        np.save(inputs, np.concatenate(list(images)))
        files = [folder / STRUCTURE, folder / WEIGHTS, inputs, probs]
        command = [sys.executable, "-I", str(RUNNER), *(str(file.resolve()) for file in files)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise DoesNotRunError(f"ncnn does not run it: {ended(done)}")
        made: Probs = np.load(probs)
    return made


def _pnnx(arguments: list[str]) -> str:
    """Run the program that the package holds, and return the last line that it printed.

    The package itself is not imported: it would bring torch, which the conversion of an ONNX file
    does not need.
    """
    spec = importlib.util.find_spec("pnnx")
    assert spec is not None  # `require` has looked
    program = Path(str(spec.origin)).with_name("pnnx")
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return f"not done in {TIMEOUT_S} s"
    return ended(done)
