"""Detours of a float file made elsewhere are taken out, before anything is measured of it.

Channels-last networks turn their images for each convolution and back, open sizes leave chains of
shape arithmetic, and Keras subtracts the mean of a batch norm in a node of its own. ONNX Runtime
takes most of that out each time it opens a file; here it is done once, so that other runtimes have
it too, and so that the quantizer finds convolutions instead of their parts.
"""

from pathlib import Path

import onnx
import onnxruntime as ort
from onnx import ModelProto

from export.graph.plain import save_plain
from models.onnx_graph import average_pool
from models.onnx_graph.index import GraphIndex, add_constant, drop_unused_initializers


def simplify(path: Path) -> None:
    """Write a file again with fewer nodes, in operators of ONNX's own, of the same IR version."""
    _optimise(path)
    model = onnx.load(path)
    changed = average_pool.apply(model) + add_for_sub(model)
    if changed:
        onnx.save(model, path)
        _optimise(path)


def add_for_sub(model: ModelProto) -> int:
    """Turn `x - c` into `x + (-c)`, which fits into a convolution; returns how many there were."""
    index, replaced = GraphIndex(model), 0
    for node in model.graph.node:
        value = index.constant(node.input[1]) if node.op_type == "Sub" else None
        if value is not None:
            # Others may read the constant, so it is left as it is.
            node.input[1] = add_constant(model, f"{node.output[0]}_negative", -value)
            node.op_type = "Add"
            replaced += 1
    drop_unused_initializers(model)
    return replaced


def _optimise(path: Path) -> None:
    """Let ONNX Runtime do what leaves the file in standard operators."""
    optimised = path.with_name(f"optimised-{path.name}")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(optimised)
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    save_plain(onnx.load(optimised), path, path)
    optimised.unlink()
