"""ncnn, through pnnx: phones and small ARM boards, on the CPU and through Vulkan."""

import importlib.util
import subprocess
import tempfile
from pathlib import Path
from shutil import copyfile

import numpy as np

from edgepress.core.errors import UserError
from export.converting.formats._format import DoesNotRunError, Format, Images, Probs, Source, ended

STRUCTURE, WEIGHTS = "model.param", "model.bin"
INPUT, OUTPUT = "in0", "out0"
"""Blob names that pnnx gives."""
TIMEOUT_S = 600
FORMAT = Format(
    name="ncnn",
    description="ncnn on phones and small ARM boards, CPU or Vulkan",
    refusal="pnnx does not read the QuantizeLinear nodes of an int8 ONNX file; ncnn quantizes with "
    "tools of its own, ncnn2table and ncnn2int8",
    packages=("pnnx", "ncnn"),
    extra="ncnn",
    apart=True,
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
        DoesNotRunError: ncnn does not read or run the model.
    """
    import ncnn

    rows = []
    with ncnn.Net() as net:
        net.opt.num_threads = 1
        _done(net.load_param(str(folder / STRUCTURE)), "read the structure")
        _done(net.load_model(str(folder / WEIGHTS)), "read the weights")
        for image in images:
            with net.create_extractor() as extractor:
                fed = extractor.input(INPUT, ncnn.Mat(np.ascontiguousarray(image[0])))
                _done(fed, "take the image")
                code, made = extractor.extract(OUTPUT)
                _done(code, "compute an answer")
                rows.append(np.array(made).reshape(-1).astype(np.float32))
    return np.stack(rows)


def _done(code: int, what: str) -> None:
    if code:
        raise DoesNotRunError(f"ncnn does not {what} (code {code})")


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
