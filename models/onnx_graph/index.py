"""Looking things up in an ONNX graph, for the rewrites and the audit.

What is in the branches of an `If` and the bodies of loops is read, so that nothing is taken from
under them, and otherwise left as it is: they run in float.
"""

from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, numpy_helper

Array = NDArray[Any]
LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
"""What has weights."""
_WEIGHTS = dict.fromkeys(LAYERS, (1, 2)) | {
    "ConvInteger": (1,),
    "MatMulInteger": (1,),
    "QGemm": (3, 6),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (3,),
}
"""Which of a layer's inputs its weights are, and its biases, where it computes in integers too."""


class GraphIndex:
    """Who makes and who reads each tensor of a graph, as it was when the index was made."""

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        self.producer = {name: node for node in graph.node for name in node.output}
        self.consumers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in reads(node):
                self.consumers[name].append(node)
        self.outputs = {output.name for output in graph.output}
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}

    def constant(self, name: str) -> Array | None:
        """Return the value of an initializer or a `Constant` node, `None` for anything else."""
        if name in self.initializers:
            return numpy_helper.to_array(self.initializers[name])
        node = self.producer.get(name)
        if node is not None and node.op_type == "Constant":
            value = attribute(node, "value")
            return None if value is None else numpy_helper.to_array(value)
        return None

    def is_constant(self, name: str) -> bool:
        """Tell whether a tensor is stored in the file."""
        maker = self.producer.get(name)
        return name in self.initializers or (maker is not None and maker.op_type == "Constant")

    def only_consumer(self, name: str, op_type: str) -> NodeProto | None:
        """Return the node that alone reads a tensor, if it is of this type.

        Whoever runs the model reads its outputs too.
        """
        readers = self.consumers[name]
        alone = len(readers) == 1 and name not in self.outputs
        return readers[0] if alone and readers[0].op_type == op_type else None


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield a graph and those in it: the branches of an `If`, the bodies of loops."""
    yield graph
    for node in graph.node:
        for inner in _inside(node):
            yield from graphs(inner)


def reads(node: NodeProto) -> list[str]:
    """Return the tensors that a node reads, those among them that the graphs inside it name."""
    return [*node.input, *_read_inside(node)]


def captured(model: ModelProto) -> set[str]:
    """Return the tensors that branches and loops read from around them."""
    return {name for node in model.graph.node for name in _read_inside(node)}


def _read_inside(node: NodeProto) -> Iterator[str]:
    """Yield what the graphs in a node read, things of their own among it."""
    for inner in _inside(node):
        for graph in graphs(inner):
            yield from (name for one in graph.node for name in one.input)
            yield from (output.name for output in graph.output)


def _inside(node: NodeProto) -> Iterator[GraphProto]:
    for found in node.attribute:
        if found.type == AttributeProto.GRAPH:
            yield found.g
        yield from found.graphs


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """Return an attribute of a node as a plain value."""
    for found in node.attribute:
        if found.name == name:
            return onnx.helper.get_attribute_value(found)
    return default


def clip_bounds(node: NodeProto, index: GraphIndex) -> tuple[float, float] | None:
    """Return the bounds of a `Clip` or a `Relu`, infinite where it has none, `None` if computed."""
    if node.op_type == "Relu":
        return 0.0, np.inf
    bounds = [-np.inf, np.inf]
    for place, name in enumerate(node.input[1:3]):
        value = index.constant(name) if name else np.asarray(bounds[place])
        if value is None:
            return None
        bounds[place] = float(value.item())
    return bounds[0], bounds[1]


def ranks(model: ModelProto) -> dict[str, int]:
    """Return how many axes each tensor has whose shape is known."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    ports = [*graph.value_info, *graph.input, *graph.output]
    return {
        port.name: len(port.type.tensor_type.shape.dim)
        for port in ports
        if port.type.tensor_type.HasField("shape")
    }


def add_constant(model: ModelProto, name: str, value: Array) -> str:
    """Add an initializer and return its name."""
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def drop_unused_initializers(model: ModelProto) -> None:
    """Remove initializers that no node reads; the runtime would warn about each of them."""
    read = {name for node in model.graph.node for name in reads(node)}
    read |= {output.name for output in model.graph.output}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def replace_node(model: ModelProto, old: NodeProto, new: list[NodeProto]) -> None:
    """Put `new` where `old` was, so that the graph stays sorted."""
    nodes = list(model.graph.node)
    position = next(i for i, node in enumerate(nodes) if node is old)
    nodes[position : position + 1] = new
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def sort_nodes(model: ModelProto) -> None:
    """Put each node behind those that make what it reads, in place.

    ONNX asks for it; ONNX Runtime does not, so that some tools do not see that they missed it.
    """
    graph = model.graph
    maker = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    before = {
        place: {maker[name] for name in reads(node) if name in maker}
        for place, node in enumerate(graph.node)
    }
    nodes = [graph.node[place] for place in TopologicalSorter(before).static_order()]
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def count_params(path: Path) -> int:
    """Return the number of weights and biases of a file's layers, quantized ones too."""
    every = list(graphs(onnx.load(path).graph))
    sizes = {one.name: int(np.prod(one.dims)) for graph in every for one in graph.initializer}
    stored = _dequantized(every)
    read = {
        stored.get(name, name) for graph in every for node in graph.node for name in _stored(node)
    }
    return sum(sizes.get(name, 0) for name in read)


def count_macs(path: Path) -> int | None:
    """Return the multiply-accumulates of convolutions and dense layers for one image.

    `None` where the shape of a layer's output or of its weights is not in the file, or where a
    layer is in a branch or a loop: how often that runs, only the image decides.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)
    inner = [node for graph in list(graphs(model.graph))[1:] for node in graph.node]
    if any(_stored(node) for node in inner):
        return None
    ports = [*model.graph.value_info, *model.graph.output]
    shapes = {
        port.name: [dim.dim_value for dim in port.type.tensor_type.shape.dim] for port in ports
    }
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    stored, total = _dequantized([model.graph]), 0
    for node in model.graph.node:
        for name in _stored(node)[:1] if node.op_type != "ConvTranspose" else ():
            made, weight = shapes.get(node.output[0]), weights.get(stored.get(name, name))
            if not made or not all(made) or weight is None:
                return None
            per_output = weight[1:] if "Conv" in node.op_type else weight[_read_axis(node) :][:1]
            total += int(np.prod(made) * np.prod(per_output))
    return total


def _stored(node: NodeProto) -> list[str]:
    """Return the names of a layer's weights and biases; nothing else has any."""
    places = _WEIGHTS.get(node.op_type, ())
    return [node.input[place] for place in places if place < len(node.input)]


def _dequantized(every: list[GraphProto]) -> dict[str, str]:
    """Return for tensors that are made of a stored one, as float weights are of int8: of which."""
    return {
        node.output[0]: node.input[0]
        for graph in every
        for node in graph.node
        if node.op_type == "DequantizeLinear"
    }


def _read_axis(node: NodeProto) -> int:
    """Return the axis of a dense layer's weights over which its inputs are added up."""
    return 1 if attribute(node, "transB", 0) else 0


def depthwise_channels(path: Path) -> list[int]:
    """Return the channel count of each depthwise convolution (one input channel a group)."""
    graph = onnx.load(path).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    return [
        group
        for node in convs
        if (group := attribute(node, "group", 1)) > 1 and shapes.get(node.input[1], [0, 1])[1] == 1
    ]
