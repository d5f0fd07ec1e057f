"""What ONNX Runtime's profiler has written: which nodes ran, and how long in each run."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

_TIME = "_kernel_time"
_WITH_A_BODY = ("If", "Loop", "Scan")
"""Left out: their time is that of the nodes inside them, which are told one by one."""

Shape = tuple[int, ...]


class Node(NamedTuple):
    """One node of the graph that ONNX Runtime executes."""

    place: str
    """Its index in the graph."""
    name: str
    op_type: str
    provider: str


class Shapes(NamedTuple):
    """Shapes of what a node reads and makes; weights that were packed beforehand are not told."""

    reads: tuple[Shape, ...]
    makes: tuple[Shape, ...]


def runs(events: Iterable[dict[str, Any]], warm_up: int) -> list[dict[Node, int]]:
    """Return the microseconds of each node in each run, the first `warm_up` left out."""
    found: list[dict[Node, int]] = [{}]
    for event in events:
        if _is_of_a_node(event):
            node = _node(event)
            found[-1][node] = found[-1].get(node, 0) + event["dur"]  # a loop runs it several times
        elif event["name"] == "model_run":  # written when the run ends
            found.append({})
    return found[warm_up:-1]


def shapes(events: Iterable[dict[str, Any]]) -> dict[Node, Shapes]:
    """Return the shapes that each node had when it ran last."""
    return {
        _node(event): Shapes(
            _shapes(event["args"].get("input_type_shape", ())),
            _shapes(event["args"].get("output_type_shape", ())),
        )
        for event in events
        if _is_of_a_node(event)
    }


def seconds(
    timed: list[dict[Node, int]], fastest: float = 0.25, slowest: float = 0.25
) -> dict[Node, float]:
    """Return the seconds of each node, in the order in which they ran.

    Each is the mean over runs without a share of the fastest and one of the slowest: a median would
    not tell fractions of the profiler's microsecond.
    """
    nodes = dict.fromkeys(node for run in timed for node in run)
    first, last = int(fastest * len(timed)), len(timed) - int(slowest * len(timed))
    return {
        node: float(np.mean(sorted(run.get(node, 0) for run in timed)[first:last])) / 1e6
        for node in nodes
    }


def _is_of_a_node(event: dict[str, Any]) -> bool:
    return (
        event["cat"] == "Node"
        and event["name"].endswith(_TIME)
        and event["args"]["op_name"] not in _WITH_A_BODY
    )


def _node(event: dict[str, Any]) -> Node:
    told = event["args"]
    name = event["name"].removesuffix(_TIME)
    return Node(told["node_index"], name, told["op_name"], told["provider"])


def _shapes(told: Iterable[dict[str, list[int]]]) -> tuple[Shape, ...]:
    """Return shapes from how they are told: `[{"uint8": [1, 32, 32, 16]}, ...]`."""
    return tuple(tuple(shape) for one in told for shape in one.values())
