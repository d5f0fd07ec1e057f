"""Models whose batch of 1 is a part of the graph, for the tests of larger batches."""

from pathlib import Path

import numpy as np
import onnx
from colours import COLOURS, SIZE, write_onnx
from onnx import helper, numpy_helper


def _between(path: Path, nodes: list[onnx.NodeProto], **weights: np.ndarray) -> Path:
    """Write the colours model with nodes that make `image2` of `image` before all others."""
    write_onnx(path, COLOURS)
    model = onnx.load(path)
    for node in model.graph.node:
        node.input[:] = ["image2" if name == "image" else name for name in node.input]
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in weights.items()
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def write_reshaped(path: Path) -> Path:
    """Write a model that breaks at another batch: a Reshape says how many rows there are."""
    return _between(
        path,
        [
            helper.make_node("Reshape", ["image", "rows"], ["flat"]),
            helper.make_node("Reshape", ["flat", "back"], ["image2"]),
        ],
        rows=np.array([3, SIZE * SIZE]),
        back=np.array([-1, 3, SIZE, SIZE]),
    )


def write_mixed(path: Path) -> Path:
    """Write a model that runs at another batch with other results: it takes the batch's mean."""
    return _between(
        path,
        [
            helper.make_node("ReduceMean", ["image"], ["mean_image"], axes=[0], keepdims=1),
            helper.make_node("Add", ["image", "mean_image"], ["image2"]),
        ],
    )


def write_open(path: Path) -> Path:
    """Write a model whose batch is open."""
    write_onnx(path, COLOURS)
    model = onnx.load(path)
    for port in (model.graph.input[0], model.graph.output[0]):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)
    return path
