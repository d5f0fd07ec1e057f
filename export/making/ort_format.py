"""`model.ort` beside `model.onnx`: ORT format, for minimal builds of ONNX Runtime and mobile apps.

ONNX Runtime's own converter makes it, in the style `Fixed` and at an optimisation level that holds
for the target: fused nodes where ONNX Runtime's CPU provider runs them, plain ONNX nodes where
another provider does. The layouts that ONNX Runtime chooses for the CPU at hand are never stored.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.runtimes._contract import output_name
from edgepress.core.alike import KERNELS
from edgepress.core.artifact import WEIGHTS
from edgepress.core.errors import UserError
from edgepress.core.gates import Verdict, at_most
from edgepress.core.manifest import Precision
from export.targets._target import Target

MODEL, OPERATORS = "model.ort", "required_operators.config"
"""The files; the second says to ONNX Runtime's build which operators a minimal one needs."""
LIMIT = KERNELS.probs
N_IMAGES = 64
"""Images that the two files are compared on."""
TIMEOUT_S = 600
_TOOL = "onnxruntime.tools.convert_onnx_models_to_ort"
_LEVELS = {
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}
_REFUSED: dict[Precision, str] = {
    "fp16": "the conversion runs on a CPU without fp16 kernels and would write casts to fp32 "
    "around every layer",
    "int8_weights": "the conversion unpacks the weights, so model.ort would be as large as in fp32",
}

Floats = NDArray[np.float32]


def require(target: Target, precision: Precision) -> None:
    """Refuse what cannot be had in ORT format.

    Raises:
        UserError: with the reason.
    """
    if target.ort_level is None:
        raise UserError(
            f"There is no ORT format for the target {target.name}: {target.ort_refusal}",
            got="--ort",
            next_step="leave out --ort, or another --target",
        )
    if precision in _REFUSED:
        raise UserError(
            f"There is no ORT format in {precision}: {_REFUSED[precision]}",
            got="--ort",
            allowed="--ort with --quantize none or int8",
        )


def write(model: Path, target: Target) -> None:
    """Write `model.ort` and `required_operators.config` beside an ONNX file.

    Raises:
        UserError: ONNX Runtime cannot convert it.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-ort-") as folder:
        _convert(model, Path(folder), target)
        made, listed = (sorted(Path(folder).glob(f"*.{kind}")) for kind in ("ort", "config"))
        (model.parent / MODEL).write_bytes(made[0].read_bytes())
        operators = listed[0].read_text().replace(str(made[0].resolve()), MODEL)
        (model.parent / OPERATORS).write_text(operators)


def verdict(model: Path, images: Floats, target: Target) -> Verdict:
    """Tell whether `model.ort` returns what the ONNX file beside it does.

    Both are opened with the optimisations that the conversion made: others sum up in another order,
    which moves some values of an int8 model by a quantization step.

    Args:
        model: the ONNX file
        images: `[n, c, height, width]`
        target: that `model.ort` was made for
    """
    file = model.with_name(MODEL)
    try:
        own, theirs, usual = _open(file, target), _open(model, target), _open(model)
        given, wanted, usually = (_probabilities(one, images) for one in (own, theirs, usual))
    except Exception as error:  # ONNX Runtime raises a dozen classes without a common base
        return _verdict(None, f"ONNX Runtime cannot run {MODEL}: {str(error).splitlines()[0]}")
    if _about(own) != _about(theirs):
        return _verdict(None, f"{MODEL} does not say the same about itself as {WEIGHTS['onnx']}")
    difference, seen = _difference(given, wanted), _difference(given, usually)
    return _verdict(
        difference,
        f"probabilities of {MODEL} ({file.stat().st_size:,} bytes) differ from those of "
        f"{WEIGHTS['onnx']} by up to {difference:.1e} on {len(images)} images with the same "
        f"optimisations, and by up to {seen:.1e} with those that ONNX Runtime makes here",
    )


def note(target: Target, precision: Precision) -> str:
    """Return what to know before `model.ort` is used."""
    said = f"{MODEL} is opened as it is: ONNX Runtime does not optimise it again"
    if precision == "fp32" and target.name in ("cpu-avx2", "cpu-vnni"):
        return (
            f"{said}, so on x86 its float convolutions lack the layout that {WEIGHTS['onnx']} "
            "gets there, and it is several times slower; ship it where the runtime's size counts"
        )
    return f"{said}; {OPERATORS} is for `build.sh --include_ops_by_config`"


def _convert(model: Path, folder: Path, target: Target) -> None:
    """Run the converter in a process of its own: it prints, and changes `sys.path`."""
    eight_bits = "session.qdqisint8allowed" in target.session_config
    command = [sys.executable, "-m", _TOOL, str(model), "--output_dir", str(folder)]
    command += ["--optimization_style", "Fixed"]
    command += ["--target_platform", "arm"] if eight_bits else []
    level = {"ORT_CONVERT_ONNX_MODELS_TO_ORT_OPTIMIZATION_LEVEL": str(target.ort_level)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, env=os.environ | level
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"The conversion did not finish in {TIMEOUT_S} s", got=model) from None
    if done.returncode or not any(folder.glob("*.ort")):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(
            f"The model cannot be converted to ORT format ({last})",
            got=model,
            next_step="leave out --ort",
        )


def _open(file: Path, target: Target | None = None) -> ort.InferenceSession:
    """Open a file with the optimisations of the target's `model.ort`, else with the usual ones."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if target is not None:
        options.graph_optimization_level = _LEVELS[str(target.ort_level)]
        for key, value in target.session_config.items():
            options.add_session_config_entry(key, value)
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _probabilities(session: ort.InferenceSession, images: Floats) -> Floats:
    image_name = session.get_inputs()[0].name
    probs_name = output_name([port.name for port in session.get_outputs()])
    each = [session.run([probs_name], {image_name: image[None]})[0] for image in images]
    probs: Floats = np.concatenate(each)
    return probs


def _difference(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max()) if one.shape == other.shape else np.inf


def _about(session: ort.InferenceSession) -> dict[str, str]:
    """Return the labels, preprocessing and so on that `export.graph.metadata` stores in a file."""
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def _verdict(difference: float | None, reason: str) -> Verdict:
    return at_most("ort difference", difference, LIMIT, reason)
