"""A model of a bundle with the preprocessing that every bundle has, and next to no network."""

import json

import numpy as np
from onnx import TensorProto, compose, helper, numpy_helper

from edgepress.core.image_spec import ImageSpec
from export.shipped import preprocessing


def model(spec: ImageSpec, n_labels: int = 3) -> bytes:
    """Return a model: uint8 `[height, width, 3]` to `probs` and `labels`."""
    weights = np.random.default_rng(0).normal(0, 1, (3, n_labels)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probs"]),
        helper.make_node("GreaterOrEqual", ["probs", "half"], ["labels"]),
    ]
    info = helper.make_tensor_value_info
    network = helper.make_graph(
        nodes,
        "network",
        [info("x", TensorProto.FLOAT, [1, 3, spec.height, spec.width])],
        [
            info("probs", TensorProto.FLOAT, [1, n_labels]),
            info("labels", TensorProto.BOOL, [1, n_labels]),
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.float32(0.5), "half"),
        ],
    )
    before = compose.add_prefix(preprocessing.graph(spec), "camera/", rename_inputs=False)
    after = helper.make_model(
        network, opset_imports=before.opset_import, ir_version=before.ir_version
    )
    joined = compose.merge_models(before, after, io_map=[(before.graph.output[0].name, "x")])
    helper.set_model_props(joined, {"edgepress.image": json.dumps(spec.model_dump(mode="json"))})
    return bytes(joined.SerializeToString())
