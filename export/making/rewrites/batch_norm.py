"""A `BatchNormalization` that no convolution can take in becomes what has an integer kernel.

`y = x w + (b - mean w)` with `w = scale / sqrt(var + epsilon)`, one factor per channel, is of an
image a convolution with one group per channel and a 1x1 kernel. DenseNet normalises what it has
just concatenated, so there is no convolution before it to fold into; ONNX Runtime has no integer
kernel for the normalisation, and a fast one for the convolution. Of a flat tensor, as in heads that
normalise their features, and of a sequence it is a product and a sum: there is no convolution of
those without axes of places, and only a slow one with a single axis.
"""

import numpy as np
from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import (
    Array,
    GraphIndex,
    add_constant,
    attribute,
    drop_unused_initializers,
    ranks,
    replace_node,
)

IMAGE_AXES = 4
"""Images, channels, height and width."""


def apply(model: ModelProto) -> int:
    """Rewrite a float model in place; returns how many nodes were replaced."""
    index, known = GraphIndex(model), ranks(model)
    found = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    replaced = sum(_replace(model, node, index, known.get(node.input[0])) for node in found)
    drop_unused_initializers(model)
    return replaced


def _replace(model: ModelProto, node: NodeProto, index: GraphIndex, rank: int | None) -> bool:
    """Replace a batch norm of fixed numbers, of a tensor with so many axes."""
    constants = [index.constant(name) for name in node.input[1:5]]
    scale, bias, mean, variance = constants
    if scale is None or bias is None or mean is None or variance is None:
        return False
    if rank is None or len(node.output) > 1 or attribute(node, "training_mode", 0):
        return False
    weight = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    shift = bias - mean * weight
    if rank == IMAGE_AXES:
        new = [_depthwise(model, node, weight, shift)]
    else:
        new = _scaled(
            model, node, [part.reshape(-1, *[1] * (rank - 2)) for part in (weight, shift)]
        )
    current = next(one for one in model.graph.node if one.output[0] == node.output[0])
    replace_node(model, current, new)
    return True


def _scaled(model: ModelProto, node: NodeProto, parts: list[Array]) -> list[NodeProto]:
    """Return a product and a sum with factors and terms that broadcast over the other axes."""
    name = node.name or node.output[0]
    factor, term = (
        add_constant(model, f"{name}_{kind}", part.astype(np.float32))
        for kind, part in zip(("factor", "term"), parts, strict=True)
    )
    between = f"{node.output[0]}_scaled"
    return [
        helper.make_node("Mul", [node.input[0], factor], [between], name=f"{name}_as_product"),
        helper.make_node("Add", [between, term], node.output[:], name=f"{name}_as_sum"),
    ]


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
