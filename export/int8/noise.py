"""Where quantization does its harm: the noise that each node of an int8 file adds."""

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.qdq_loss_debug import (
    collect_activations,
    compute_weight_error,
    create_weight_matching,
    modify_model_output_intermediate_tensors,
)

from compress.core.quiet import quiet
from export.int8.calibration import Calibration, Reader
from models.onnx_graph.index import Array, GraphIndex

IMAGES = 8


def noisiest_first(prepared: Path, int8: Path, images: Calibration) -> tuple[str, ...]:
    """Return the quantized nodes of a graph by the noise that each adds, the worst first.

    A node's noise is that of its output and of its weights, as shares of their power. Images are
    taken one at a time, so that memory does not grow with their number.
    """
    noise = defaultdict(float, _activation_noise(prepared, int8, images))
    for name, share in _weight_noise(prepared, int8).items():
        noise[name] += share
    model = onnx.load(prepared)
    by_node = {
        node.name: noise[node.output[0]] + sum(noise[name] for name in node.input[1:])
        for node in model.graph.node
        if node.output[0] in noise or any(name in noise for name in node.input[1:])
    }
    return tuple(sorted(by_node, key=lambda name: -by_node[name]))


def _activation_noise(prepared: Path, int8: Path, images: Calibration) -> dict[str, float]:
    """Return the noise of every quantized activation, by tensor name.

    What the float graph computes is rounded to the steps of the int8 file. Comparing what goes
    into a `QuantizeLinear` of that file with what comes out of its `DequantizeLinear`, as
    `compute_activation_error` of onnxruntime does, takes more than rounding for noise: the ReLU
    that the range does by clipping, and the scale that the rewrite of `HardSigmoid` changes.
    """
    steps = _steps(onnx.load(int8))
    found = {tensor: np.zeros(2) for tensor in steps}
    name = onnx.load(prepared).graph.input[0].name
    with tempfile.TemporaryDirectory(prefix="edgepress-noise-") as folder, quiet():
        tapped = Path(folder) / "tapped.onnx"
        modify_model_output_intermediate_tensors(prepared, tapped)
        for row in images.rows[:IMAGES]:
            one = Calibration(images.pixels, np.asarray([row]), images.image)
            reader = Reader(one, name)
            reader.set_range(0, 1)
            for tensor, (values,) in collect_activations(str(tapped), reader).items():
                if tensor in steps:
                    lost = values - _rounded(values, *steps[tensor])
                    found[tensor] += np.square(lost).sum(), np.square(values).sum()
    return {tensor: float(lost / power) for tensor, (lost, power) in found.items() if power}


def _steps(model: onnx.ModelProto) -> dict[str, tuple[Array, Array]]:
    """Return the scale and the zero point by which each quantized activation is read back."""
    index, found = GraphIndex(model), {}
    for node in model.graph.node:
        reader = index.consumers[node.output[0]][:1] if node.op_type == "QuantizeLinear" else []
        constants = [index.constant(name) for one in reader for name in one.input[1:3]]
        if len(constants) == 2 and constants[0] is not None and constants[1] is not None:
            found[node.input[0]] = (constants[0], constants[1])
    return found


def _rounded(values: Array, scale: Array, zero: Array) -> Array:
    """Return values as they are after `QuantizeLinear` and `DequantizeLinear`."""
    limits, offset = np.iinfo(zero.dtype), zero.astype(np.float32)
    steps: Array = np.clip(np.round(values / scale) + offset, limits.min, limits.max) - offset
    return steps * scale


def _weight_noise(prepared: Path, int8: Path) -> dict[str, float]:
    """Return the noise of every quantized weight, by its name in the float file.

    From the SQNR of onnxruntime's `qdq_loss_debug`, `10 ** (-SQNR / 10)`.
    """
    with quiet():
        matched = create_weight_matching(str(prepared), str(int8))
        known = {name: pair for name, pair in matched.items() if pair["float"].any()}
        decibels = compute_weight_error(known)  # of zeros it would be 0 dB: as noisy as can be
    return {name: float(10 ** (-decibel / 10)) for name, decibel in decibels.items()}
