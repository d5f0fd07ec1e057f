"""Tensors that meet in a concatenation get one range of values, so that it only copies bytes.

ONNX Runtime's `QLinearConcat` rounds every input of another scale than the output's again, byte by
byte: an eighth of SqueezeNet's time. Operators that pass integers on as they are (a pooling, a
split) tie their tensors together as well. What a ReLU or ReLU6 has clipped keeps its bounds: the
quantizer drops these operators and relies on the range to clip.
"""

from collections import defaultdict
from collections.abc import Set
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto
from onnxruntime.quantization.calibrate import load_tensors_data, save_tensors_data

from models.onnx_graph.index import GraphIndex, clip_bounds

PASS_ON = {"MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split"}
CLIPPED = {"Relu", "Clip"}

Ranges = dict[str, tuple[float, float]]
"""Smallest and largest value of each tensor, by its name."""


def share(model: ModelProto, floats: Set[str], ranges: Ranges) -> Ranges:
    """Return the ranges that change when concatenations share them.

    Nodes of the float model that are named in `floats` will not be quantized.
    """
    bounds = _clipped(model, floats, ranges)
    found: Ranges = {}
    for names in _groups(model, floats, ranges):
        low = min(ranges[name][0] for name in names)
        high = max(ranges[name][1] for name in names)
        limits = [bounds[name] for name in names if name in bounds]
        if all(least <= low and high <= most for least, most in limits):
            found |= dict.fromkeys(names, (low, high))
    return {name: both for name, both in found.items() if both != ranges[name]}


def share_file(model: ModelProto, floats: Set[str], stored: Path, out: Path) -> int:
    """Write the ranges that onnxruntime has stored anew; returns how many have changed.

    It reads them itself: the extremes are lists of one number, the ends of a histogram plain ones.
    """
    tensors = load_tensors_data(stored)
    ranges = {
        name: (float(np.asarray(one.lowest).item()), float(np.asarray(one.highest).item()))
        for name, one in tensors.items()
    }
    changed = share(model, floats, ranges)
    for name, (low, high) in changed.items():
        one = tensors[name]
        one.lowest, one.highest = np.full_like(one.lowest, low), np.full_like(one.highest, high)
    save_tensors_data(tensors, out)
    return len(changed)


def _groups(model: ModelProto, floats: Set[str], ranges: Ranges) -> list[list[str]]:
    """Return the tensors that must share a range, for each group with a concatenation in it."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    joined = [
        node
        for node in model.graph.node
        if node.op_type in {"Concat", *PASS_ON} and node.name not in floats
    ]
    for node in joined:
        names = _tensors(node, ranges)
        for name in names[1:]:
            leader[find(name)] = find(names[0])
    groups = defaultdict(list)
    for name in list(leader):
        groups[find(name)].append(name)
    mixed = {find(n.output[0]) for n in joined if n.op_type == "Concat" and n.output[0] in ranges}
    return [groups[name] for name in mixed]


def _tensors(node: NodeProto, ranges: Ranges) -> list[str]:
    """Return what a node reads and writes of what has a range: constants have none."""
    return [name for name in (*node.input, *node.output) if name in ranges]


def _clipped(model: ModelProto, floats: Set[str], ranges: Ranges) -> Ranges:
    """Return the bounds of every tensor that a ReLU or a clip has made which will be dropped."""
    index, bounds = GraphIndex(model), Ranges()
    for node in model.graph.node:
        if node.op_type in CLIPPED and node.output[0] in ranges and node.name not in floats:
            bounds[node.output[0]] = clip_bounds(node, index) or (-np.inf, np.inf)
    return bounds
