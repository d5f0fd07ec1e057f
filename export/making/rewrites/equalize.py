"""Cross-layer equalization: the channels between two convolutions get ranges of equal size.

Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
equation 11: with `r1` and `r2` the ranges of channel `i` in the first and the second convolution,

    s = sqrt(r1 r2) / r2,    W1 <- W1 / s,  b1 <- b1 / s,  W2 <- W2 s

changes nothing where the activation between them is a ReLU or none, since `relu(s x) = s relu(x)`.
It helps where a whole weight tensor shares one scale. The paper puts ReLU in place of ReLU6 first;
an EfficientNet-Lite0 student lost 50 points of mAP by that, so pairs with a ReLU6 are left alone.
"""

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from models.onnx_graph.index import Array, GraphIndex, attribute

ROUNDS = 10
"""Passes over all pairs; a channel's range settles after a few."""
DEAD = 1e-6
"""A channel whose weights are smaller than this share of the largest is left as it is: to bring it
up would take factors that no float holds, and blow up its bias with it."""


def apply(model: ModelProto) -> int:
    """Rewrite a float model in place; returns how many pairs of convolutions were equalized."""
    index = GraphIndex(model)
    pairs = [pair for node in model.graph.node if (pair := _pair(node, index)) is not None]
    weights = {
        name: numpy_helper.to_array(index.initializers[name]).astype(np.float64)
        for name in _names(pairs)
    }
    for _ in range(ROUNDS):
        for first, second in pairs:
            _balance(first, second, weights)
    for name, value in weights.items():
        stored = value.astype(numpy_helper.to_array(index.initializers[name]).dtype)
        index.initializers[name].CopyFrom(numpy_helper.from_array(stored, name))
    return len(pairs)


def _pair(first: NodeProto, index: GraphIndex) -> tuple[NodeProto, NodeProto] | None:
    """Return a convolution and the one that alone reads it, directly or through a ReLU."""
    if not _has_weights(first, index):
        return None
    relu = index.only_consumer(first.output[0], "Relu")
    second = index.only_consumer((relu or first).output[0], "Conv")
    if second is None or not _has_weights(second, index):
        return None
    group, weight = attribute(second, "group", 1), index.initializers[second.input[1]]
    depthwise = group == weight.dims[0] and weight.dims[1] == 1
    return (first, second) if group == 1 or depthwise else None


def _has_weights(node: NodeProto, index: GraphIndex) -> bool:
    """Tell whether a node is a convolution whose weights are stored, and nobody else's."""
    return node.op_type == "Conv" and all(
        name in index.initializers and index.only_consumer(name, "Conv") is not None
        for name in node.input[1:]
        if name
    )


def _names(pairs: list[tuple[NodeProto, NodeProto]]) -> set[str]:
    return {name for pair in pairs for conv in pair for name in conv.input[1:] if name}


def _balance(first: NodeProto, second: NodeProto, weights: dict[str, Array]) -> None:
    one, two = weights[first.input[1]], weights[second.input[1]]
    # The channels between the two are the first axis of a depthwise second weight, else the second.
    axis = 0 if attribute(second, "group", 1) > 1 else 1
    before = np.abs(one).reshape(len(one), -1).max(axis=1)
    after = np.abs(np.moveaxis(two, axis, 0)).reshape(len(one), -1).max(axis=1)
    usable = (before > DEAD * before.max()) & (after > DEAD * after.max())
    scale = np.ones(len(one))
    scale[usable] = np.sqrt(before[usable] * after[usable]) / after[usable]
    weights[first.input[1]] = one / scale.reshape(-1, *[1] * (one.ndim - 1))
    if len(first.input) > 2 and first.input[2]:
        weights[first.input[2]] = weights[first.input[2]] / scale
    shape = [1] * two.ndim
    shape[axis] = len(scale)
    weights[second.input[1]] = two * scale.reshape(shape)
