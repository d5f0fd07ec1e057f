"""A small ONNX model that does a known amount of work."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.evaluation.candidates import open_model
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels

CHANNELS = 64
SPEC = ImageSpec(height=16, width=16)


def write(path: Path, convs: int) -> Artifact:
    """Write a model whose time is that of `convs` equal convolutions, and open it."""
    weights = [_weights("first", (CHANNELS, 3, 1, 1))]
    nodes = [helper.make_node("Conv", ["image", "first"], ["x0"])]
    for layer in range(convs):
        weights.append(_weights(f"w{layer}", (CHANNELS, CHANNELS, 3, 3)))
        inputs = [f"x{layer}", f"w{layer}"]
        nodes.append(helper.make_node("Conv", inputs, [f"x{layer + 1}"], pads=[1] * 4))
    weights.append(_weights("head", (CHANNELS, 1)))
    nodes += [
        helper.make_node("GlobalAveragePool", [f"x{convs}"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["features"]),
        helper.make_node("MatMul", ["features", "head"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probs"]),
    ]
    shape = [1, *SPEC.shape]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    probs = helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, 1])
    graph = helper.make_graph(nodes, "synthetic", [image], [probs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    labels = Labels(names=("label",), thresholds=(0.5,), prevalence=(0.5,))
    metadata = {
        "edgepress.labels": labels.model_dump_json(),
        "edgepress.image": SPEC.model_dump_json(),
    }
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return open_model(path)


def _weights(name: str, shape: tuple[int, ...]) -> TensorProto:
    values = np.random.default_rng(0).standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return numpy_helper.from_array(values.astype(np.float32), name)
