"""Random networks as ONNX graphs, of the parts that real ones have, and some that tools get wrong.

A network is a list of names of parts and a seed, from which weights and details come, so that what
fails shrinks to few parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SIDE = 12
LABELS = 3


@dataclass
class Build:
    """A graph while it grows: its nodes, its weights, and the maps that can be read so far."""

    random: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    maps: list[tuple[str, int, int]] = field(default_factory=list)
    """Name, channels and side of each."""

    def add(self, kind: str, *read: str, **attributes: object) -> str:
        """Add a node and return what it makes."""
        made = f"t{len(self.nodes)}"
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(read), [made], name=name, **attributes))
        return made

    def store(self, value: np.ndarray, kind: type = np.float32) -> str:
        """Store a constant and return its name."""
        name = f"c{len(self.stored)}"
        self.stored[name] = np.asarray(value, kind)
        return name

    def weights(self, *shape: int) -> str:
        """Store weights that keep the size of what they multiply, or use some again."""
        same = [name for name, value in self.stored.items() if value.shape == shape]
        if same and self.random.random() < 0.3:
            return str(self.random.choice(same))
        value = self.random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        if self.random.random() < 0.2:
            value[self.random.integers(shape[0])] *= 10.0 ** -self.random.integers(3, 42)
        return self.store(value)

    def pick(self) -> tuple[str, int, int]:
        """Return the newest maps, sometimes others, so that there are branches."""
        if self.random.random() < 0.75:
            return self.maps[-1]
        return self.maps[self.random.integers(len(self.maps))]

    def chance(self) -> bool:
        """Return yes or no."""
        return bool(self.random.random() < 0.5)


def conv(build: Build) -> None:
    name, channels, side = build.pick()
    depthwise, kernel = build.chance() and channels > 3, int(build.random.choice([1, 3]))
    stride = 2 if side > 5 and build.random.random() < 0.3 else 1
    out = channels if depthwise else int(build.random.choice([4, 6, 8]))
    weight = build.weights(out, 1 if depthwise else channels, kernel, kernel)
    bias = [build.store(build.random.standard_normal(out) / 2)] if build.chance() else []
    made = build.add(
        "Conv", name, weight, *bias, group=channels if depthwise else 1, pads=[kernel // 2] * 4,
        strides=[stride] * 2,
    )  # fmt: skip
    build.maps.append((made, out, (side - 1) // stride + 1))


def relu(build: Build) -> None:
    _same(build, lambda name: build.add("Relu", name))


def clip(build: Build) -> None:
    low, high = ((0, 6), (-1, 1), (0.3, 2), (-2, -0.2), (0, None), (None, 0.5))[
        build.random.integers(6)
    ]
    bounds = ["" if one is None else build.store(np.float32(one)) for one in (low, high)]
    _same(build, lambda name: build.add("Clip", name, *bounds))


def swish(build: Build) -> None:
    _same(build, lambda name: build.add("Mul", name, build.add("Sigmoid", name)))


def hard_swish(build: Build) -> None:
    alpha = float(build.random.choice([1 / 6, 0.2, -0.2]))
    _same(
        build,
        lambda name: build.add("Mul", name, build.add("HardSigmoid", name, alpha=alpha, beta=0.5)),
    )


def norm(build: Build) -> None:
    _, channels, _ = build.maps[-1]
    _same(build, lambda name: build.add("BatchNormalization", name, *_norm(build, channels)), True)


def pool(build: Build) -> None:
    name, channels, side = build.pick()
    kind = "MaxPool" if build.chance() else "AveragePool"
    if side > 3:
        made = build.add(kind, name, kernel_shape=[2, 2], strides=[2, 2])
        build.maps.append((made, channels, side // 2))


def concat(build: Build) -> None:
    _, _, side = build.maps[-1]
    ones = [one for one in build.maps if one[2] == side]
    first, second = build.maps[-1], ones[build.random.integers(len(ones))]
    if first[1] + second[1] <= 24:
        made = build.add("Concat", first[0], second[0], axis=1)
        build.maps.append((made, first[1] + second[1], side))


def total(build: Build) -> None:
    _, channels, side = build.maps[-1]
    ones = [one for one in build.maps if one[1:] == (channels, side)]
    other = ones[build.random.integers(len(ones))][0]
    _same(build, lambda name: build.add("Add", name, other), True)


def excite(build: Build) -> None:
    """Scale channels by a function of their means, which other tools write as `ReduceMean`."""
    name, channels, side = build.pick()
    axes = build.store(np.array([2, 3]), np.int64)
    mean = build.add("ReduceMean", name, axes, keepdims=1)
    gate = build.add("Sigmoid", build.add("Conv", mean, build.weights(channels, channels, 1, 1)))
    build.maps.append((build.add("Mul", name, gate), channels, side))


def attention(build: Build) -> None:
    """Scale channels by a convolution over them, which has one axis."""
    name, channels, side = build.pick()
    line, maps = (
        build.store(np.array(shape), np.int64) for shape in ([1, 1, channels], [1, channels, 1, 1])
    )
    means = build.add("Reshape", build.add("GlobalAveragePool", name), line)
    over = build.add("Conv", means, build.weights(1, 1, 3), pads=[1, 1])
    gate = build.add("Sigmoid", build.add("Reshape", over, maps))
    build.maps.append((build.add("Mul", name, gate), channels, side))


def branch(build: Build) -> None:
    """Take one way or the other by what a ReLU makes, each reading it by its name."""
    conv(build)
    _same(build, lambda name: build.add("Relu", name), True)
    name, channels, side = build.maps[-1]
    axes = build.store(np.array([0, 1, 2, 3]), np.int64)
    limit = build.store(np.float32(build.random.normal() / 10))
    chosen = build.add("Greater", build.add("ReduceMean", name, axes, keepdims=0), limit)
    factor = build.store(np.float32(build.random.uniform(0.5, 2)))
    ways, port = [], [1, channels, side, side]
    for kind, read in (("Mul", [name, factor]), ("Relu", [name])):
        node = helper.make_node(kind, read, [f"{chosen}_{kind}"])
        out = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, port)
        ways.append(helper.make_graph([node], kind, [], [out]))
    made = build.add("If", chosen, then_branch=ways[0], else_branch=ways[1])
    build.maps.append((made, channels, side))


PARTS: dict[str, Callable[[Build], None]] = {
    one.__name__: one
    for one in (conv, relu, clip, swish, hard_swish, norm, pool, concat, total, excite, attention,
                branch)
}  # fmt: skip


def network(parts: list[str], seed: int) -> ModelProto:
    """Return a network from `image` `[1, 3, side, side]` to `logits` `[1, labels]`."""
    build = Build(np.random.default_rng(seed))
    build.maps.append((_normalised(build), 3, SIDE))
    conv(build)
    for part in parts:
        PARTS[part](build)
    conv(build)
    flat = build.add("Flatten", build.add("GlobalAveragePool", build.maps[-1][0]))
    width = build.maps[-1][1]
    if build.chance():
        flat = build.add("BatchNormalization", flat, *_norm(build, width))
    head = build.store(build.random.standard_normal((width, LABELS)))
    build.add("Gemm", flat, head)
    build.nodes[-1].output[0] = "logits"
    return _model(build)


def networks() -> st.SearchStrategy[ModelProto]:
    """Return a strategy of networks."""
    parts = st.lists(st.sampled_from(sorted(PARTS)), max_size=7)
    return st.builds(network, parts, st.integers(0, 2**16))


def _same(build: Build, change: Callable[[str], str], newest: bool = False) -> None:
    """Add what keeps the shape of the maps that it reads."""
    name, channels, side = build.maps[-1] if newest else build.pick()
    build.maps.append((change(name), channels, side))


def _norm(build: Build, channels: int) -> list[str]:
    """Store what a batch norm has learnt: scale, bias, mean and variance."""
    random = build.random
    ends = random.uniform(0.5, 2, (2, channels))
    return [
        build.store(value)
        for value in (ends[0], *random.standard_normal((2, channels)) / 2, ends[1])
    ]


def _normalised(build: Build) -> str:
    """Return the image, sometimes normalised in the graph."""
    kind = build.random.integers(4)
    if kind == 0:
        return build.add("BatchNormalization", "image", *_norm(build, 3))
    if kind == 1:
        mean, deviation = (build.store(build.random.uniform(0.5, 2, (1, 3, 1, 1))) for _ in "ab")
        return build.add("Div", build.add("Sub", "image", mean), deviation)
    return "image"


def _model(build: Build) -> ModelProto:
    ports = (("image", [1, 3, SIDE, SIDE]), ("logits", [1, LABELS]))
    given, made = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ports
    )
    stored = [numpy_helper.from_array(value, name) for name, value in build.stored.items()]
    graph = helper.make_graph(build.nodes, "random", [given], [made], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
