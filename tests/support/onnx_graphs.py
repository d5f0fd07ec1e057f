"""Small ONNX graphs, and the graph that ONNX Runtime makes of a file."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


def graph(nodes: list, constants: dict, shape: list[int], out: list[int]) -> ModelProto:
    """Return a model from `x` to `y`."""
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", FLOAT, out)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def types(model: ModelProto) -> Counter:
    """Count the nodes of a model by type."""
    return Counter(node.op_type for node in model.graph.node)


def node_of(model: ModelProto, op_type: str) -> NodeProto:
    """Return the only node of a type."""
    (found,) = [node for node in model.graph.node if node.op_type == op_type]
    return found


def executed(path: Path) -> ModelProto:
    """Return the graph that ONNX Runtime executes of a file on this CPU."""
    out = path.with_name(f"{path.stem}-executed.onnx")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 3
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return onnx.load(out)
