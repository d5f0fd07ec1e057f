"""A `BatchNormalization` that no convolution can take in becomes a depthwise 1x1 convolution.

`y = x w + (b - mean w)` with `w = scale / sqrt(var + epsilon)`, one factor per channel, is a
convolution with one group per channel and a 1x1 kernel. DenseNet normalises what it has just
concatenated, so there is no convolution before it to fold into; ONNX Runtime has no integer kernel
for the normalisation, and a fast one for the convolution.
"""

import numpy as np
from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import (
    Array,
    GraphIndex,
    add_constant,
    attribute,
    drop_unused_initializers,
    replace_node,
)


def apply(model: ModelProto) -> int:
    """Rewrite a float model in place; returns how many nodes were replaced."""
    index = GraphIndex(model)
    found = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    replaced = sum(_replace(model, node, index) for node in found)
    drop_unused_initializers(model)
    return replaced


def _replace(model: ModelProto, node: NodeProto, index: GraphIndex) -> bool:
    constants = [index.constant(name) for name in node.input[1:5]]
    scale, bias, mean, variance = constants
    if scale is None or bias is None or mean is None or variance is None:
        return False
    weight = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    conv = _depthwise(model, node, weight, bias - mean * weight)
    current = next(one for one in model.graph.node if one.output[0] == node.output[0])
    replace_node(model, current, [conv])
    return True


def _depthwise(model: ModelProto, node: NodeProto, weight: Array, bias: Array) -> NodeProto:
    channels = len(weight)
    name = f"{node.name or node.output[0]}_as_conv"
    inputs = [
        node.input[0],
        add_constant(model, f"{name}_weight", weight.astype(np.float32).reshape(channels, 1, 1, 1)),
        add_constant(model, f"{name}_bias", bias.astype(np.float32)),
    ]
    return helper.make_node(
        "Conv", inputs, node.output[:], name=name, group=channels, kernel_shape=[1, 1]
    )
