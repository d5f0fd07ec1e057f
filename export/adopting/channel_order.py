"""Channels that change places before the first convolution are put into its weights.

A network that takes blue first gets a Gather in front, so that devices and runtimes feed all
networks alike. Here it goes: what reads the turned image reads the image, with its constants turned
instead. Where something else comes first, the Gather stays.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from models.onnx_graph.index import GraphIndex, add_constant, attribute, drop_unused_initializers

_BY_CHANNEL = ("Add", "Sub", "Mul", "Div")
CHANNELS = 3


def fold(path: Path) -> bool:
    """Take the Gather of a file's channels out if it can be, and tell whether it was."""
    model = onnx.load(path)
    found = fold_in(model)
    if found:
        onnx.save(model, path)
    return found


def fold_in(model: ModelProto) -> bool:
    """Do so in a model."""
    index = GraphIndex(model)
    gather = _gather(model, index)
    if gather is None:
        return False
    order = index.constant(gather.input[1])
    readers = _readers(index, gather.output[0])
    if order is None or readers is None:
        return False
    for node, axis in readers:
        _turn(model, index, node, axis, np.argsort(order))
    first = readers[0][0]
    first.input[list(first.input).index(gather.output[0])] = gather.input[0]
    model.graph.node.remove(gather)
    drop_unused_initializers(model)
    return True


def _gather(model: ModelProto, index: GraphIndex) -> NodeProto | None:
    """Return the node that alone reads the image and turns its channels."""
    node = index.only_consumer(model.graph.input[0].name, "Gather")
    order = None if node is None else index.constant(node.input[1])
    if node is None or order is None or attribute(node, "axis", 0) != 1:
        return None
    return node if sorted(order.ravel().tolist()) == list(range(CHANNELS)) else None


def _readers(index: GraphIndex, name: str) -> list[tuple[NodeProto, int]] | None:
    """Return the nodes down to the first convolution, each with its constant's axis of channels.

    `None` where something comes first that cannot be turned.
    """
    found: list[tuple[NodeProto, int]] = []
    while len(index.consumers[name]) == 1:
        node = index.consumers[name][0]
        if node.op_type == "Conv" and node.input[0] == name and attribute(node, "group", 1) == 1:
            weights = index.constant(node.input[1])
            return None if weights is None else [*found, (node, 1)]
        constants = [index.constant(other) for other in node.input if other != name]
        if node.op_type not in _BY_CHANNEL or len(constants) != 1 or constants[0] is None:
            return None
        shape = constants[0].shape
        if constants[0].ndim > 4 or (len(shape) > 2 and shape[-3] not in (1, CHANNELS)):
            return None
        found.append((node, -3))
        name = node.output[0]
    return None


def _turn(
    model: ModelProto, index: GraphIndex, node: NodeProto, axis: int, back: NDArray[np.intp]
) -> None:
    """Give a node its constant in the order of the image; others may read the constant too."""
    place = next(i for i, name in enumerate(node.input) if index.constant(name) is not None)
    value = index.constant(node.input[place])
    assert value is not None  # it was found before
    if value.ndim >= abs(axis) and value.shape[axis] == CHANNELS:
        turned = np.take(value, back, axis)
        node.input[place] = add_constant(model, f"{node.output[0]}_turned", turned)
