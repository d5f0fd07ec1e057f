"""Times of a network that is not there: of operators that take what a formula says."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from compress.pruning.costs.design import spread
from compress.pruning.costs.groups import Group, Size
from compress.pruning.costs.times import Node, Times, Visited
from compress.pruning.costs.variants import About, File, Index

GROUPS = (Group("stem", 64, 1), Group("body", 240, 1), Group("tail", 40, 1))
SIZES = (
    Size(whole=64, by={"stem": 1}),
    Size(whole=240, by={"body": 1}),
    Size(whole=40, by={"tail": 1}),
    Size(whole=104, by={"stem": 1, "tail": 1}),
)
REFERENCE_S, PROFILED = 1e-3, 1.7
"""Seconds of the reference, and how much longer nodes take under the profiler."""
MACHINE = {"cpu": "a cpu", "threads": "1", "runtime_version": "1"}


def blocks(channels: float) -> float:
    return float(16 * np.ceil(channels / 16))


def pointwise(reads: float, makes: float) -> float:
    return 3e-6 + 2e-9 * reads * blocks(makes) + 1e-8 * makes


def depthwise(_: float, makes: float) -> float:
    return 1e-6 + 5e-8 * makes + (3e-8 * makes if makes % 16 else 0)


Operator = tuple[str, str, str, str, Callable[[float, float], float]]
"""Name, type, what is read and made (an expression in groups), seconds."""
OPERATORS: tuple[Operator, ...] = (
    ("expand_token_7", "QLinearConv", "stem", "body", pointwise),
    ("depth", "QLinearConv", "body", "body", depthwise),
    ("project", "QLinearConv", "body", "tail", pointwise),
    ("Concat_1", "Concat", "stem", "stem + tail", lambda _, o: 1e-8 * o),
    ("Reshape_1", "Reshape", "tail", "49 * tail", lambda *_: 1e-6),
    ("fixed", "Softmax", "4", "4", lambda *_: 7e-6),
)
KERNELS = {"expand": "1x1 dense", "project": "1x1 dense", "depth": "3x3 grouped"}


def seconds(widths: Mapping[str, int]) -> float:
    """Return what a network of these widths really takes."""
    taken = (take(_value(i, widths), _value(o, widths)) for *_, i, o, take in OPERATORS)
    return sum(taken) + _reorder(widths)


def _reorder(widths: Mapping[str, int]) -> float:
    """Return what an operator takes that is only there where the tail fills no whole blocks."""
    return 5e-6 if widths["tail"] % 16 else 0


def _value(expression: str, widths: Mapping[str, int]) -> float:
    return float(eval(expression, {}, dict(widths)))


def index(n: int = 10, seed: int = 0) -> Index:
    """Return the index of `n` variants."""
    files = [File(name=f"variant-{row}.onnx", sha256="0", widths=widths)
             for row, widths in enumerate(spread(GROUPS, 8, n, seed))]  # fmt: skip
    return Index(
        files=tuple(files), reference=files[2].name, input=(1, 3, 32, 32), threads=1,
        about=About(network="n", target="cpu-vnni", precision="int8", round_to=8, seed=seed),
        groups={group.name: group.width for group in GROUPS}, sizes=SIZES, kernels=KERNELS,
    )  # fmt: skip


def times(variants: Index, speeds: Sequence[float] = (1, 1, 2)) -> Times:
    """Return what visits at these speeds of the machine find."""
    visits = [_visit(file, speed) for speed in speeds for file in variants.files]
    return Times(schema_version=1, index="digest", machine=MACHINE, visits=tuple(visits),
                 nodes={file.name: _nodes(file.widths) for file in variants.files})  # fmt: skip


def _nodes(widths: Mapping[str, int]) -> tuple[Node, ...]:
    found = [
        Node(
            name=name,
            op_type=kind,
            reads=((1, int(_value(i, widths)), 7, 7), (1,)),
            makes=((1, int(_value(o, widths)), 7, 7),),
        )
        for name, kind, i, o, _ in OPERATORS
    ]
    extra = Node(name="ReorderOutput", op_type="ReorderOutput",
                 reads=((1, widths["tail"]),), makes=((1, widths["tail"]),))  # fmt: skip
    return (*found, *([extra] if _reorder(widths) else []))


def _visit(file: File, speed: float) -> Visited:
    taken = [take(_value(i, file.widths), _value(o, file.widths)) for *_, i, o, take in OPERATORS]
    extra = [_reorder(file.widths)] if _reorder(file.widths) else []
    reference = speed * REFERENCE_S
    return Visited(
        file=file.name, reference_s=(0.9 * reference, 1.1 * reference),
        plain_s=speed * seconds(file.widths),
        nodes_s=tuple(speed * PROFILED * each for each in (*taken, *extra)),
    )  # fmt: skip
