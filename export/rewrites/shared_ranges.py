"""Tensors that meet in a concatenation get one range of values, so that it only copies bytes.

ONNX Runtime's `QLinearConcat` rounds every input of another scale than the output's again, byte by
byte: an eighth of SqueezeNet's time. Operators that pass integers on as they are (a pooling, a
split) tie their tensors together as well. What a ReLU or ReLU6 has clipped keeps its bounds: the
quantizer drops these operators and relies on the range to clip.
"""

import json
from collections import defaultdict
from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto

from models.onnx_graph.index import GraphIndex

PASS_ON = {"MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split"}
CLIPPED = {"Relu", "Clip"}

Ranges = dict[str, tuple[float, float]]
"""Smallest and largest value of each tensor, by its name."""


def share(model: ModelProto, floats: Set[str], ranges: Ranges) -> Ranges:
    """Return the ranges that change when concatenations share them.

    Nodes of the float model that are named in `floats` will not be quantized.
    """
    bounds = _clipped(model, ranges)
    found: Ranges = {}
    for names in _groups(model, floats, ranges):
        low = min(ranges[name][0] for name in names)
        high = max(ranges[name][1] for name in names)
        limits = [bounds[name] for name in names if name in bounds]
        if all(least <= low and high <= most for least, most in limits):
            found |= dict.fromkeys(names, (low, high))
    return {name: both for name, both in found.items() if both != ranges[name]}


def share_file(model: ModelProto, floats: Set[str], stored: Path, out: Path) -> int:
    """Write the ranges that onnxruntime has stored anew; returns how many have changed."""
    text: dict[str, Any] = json.loads(stored.read_text())
    tensors = text["data"]
    ranges = {
        name: (float(one["lowest"]["data"][0]), float(one["highest"]["data"][0]))
        for name, one in tensors.items()
    }
    changed = share(model, floats, ranges)
    for name, both in changed.items():
        for key, value in zip(("lowest", "highest"), both, strict=True):
            tensors[name][key]["data"] = [value]
    out.write_text(json.dumps(text))
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


def _clipped(model: ModelProto, ranges: Ranges) -> Ranges:
    """Return the bounds of every tensor that a ReLU or a clip has made."""
    index, bounds = GraphIndex(model), Ranges()
    for node in model.graph.node:
        if node.op_type in CLIPPED and node.output[0] in ranges:
            low, high = (_bound(node, position, index) for position in (1, 2))
            if node.op_type == "Relu":
                low = 0.0
            bounds[node.output[0]] = (
                -np.inf if low is None else low,
                np.inf if high is None else high,
            )
    return bounds


def _bound(node: NodeProto, position: int, index: GraphIndex) -> float | None:
    """Return a bound of a clip, `None` where it has none."""
    if len(node.input) <= position or not node.input[position]:
        return None
    value = index.constant(node.input[position])
    return None if value is None else float(value)
