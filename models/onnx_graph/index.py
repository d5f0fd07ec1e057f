"""Looking things up in an ONNX graph, for the rewrites and the audit."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

Array = NDArray[Any]


class GraphIndex:
    """Who makes and who reads each tensor of a graph, as it was when the index was made."""

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        self.producer = {name: node for node in graph.node for name in node.output}
        self.consumers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.consumers[name].append(node)
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

    def only_consumer(self, name: str, op_type: str) -> NodeProto | None:
        """Return the node that alone reads a tensor, if it is of this type."""
        readers = self.consumers[name]
        return readers[0] if len(readers) == 1 and readers[0].op_type == op_type else None


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """Return an attribute of a node as a plain value."""
    for found in node.attribute:
        if found.name == name:
            return onnx.helper.get_attribute_value(found)
    return default


def add_constant(model: ModelProto, name: str, value: Array) -> str:
    """Add an initializer and return its name."""
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def drop_unused_initializers(model: ModelProto) -> None:
    """Remove initializers that no node reads; the runtime would warn about each of them."""
    read = {name for node in model.graph.node for name in node.input}
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


def count_params(path: Path) -> int:
    """Return the number of weights and biases of a float file's layers."""
    model = onnx.load(path)
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
    read = {
        name
        for node in model.graph.node
        if node.op_type in {"Conv", "ConvTranspose", "Gemm", "MatMul"}
        for name in node.input[1:]
    }
    return sum(sizes.get(name, 0) for name in read)


def count_macs(path: Path) -> int | None:
    """Return the multiply-accumulates of convolutions and dense layers for one image.

    `None` where the shape of a layer's output or of its weights is not in the file.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)
    ports = [*model.graph.value_info, *model.graph.output]
    shapes = {
        port.name: [dim.dim_value for dim in port.type.tensor_type.shape.dim] for port in ports
    }
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type in {"Conv", "Gemm", "MatMul"}:
            made, weight = shapes.get(node.output[0]), weights.get(node.input[1])
            if not made or not all(made) or weight is None:
                return None
            per_output = weight[1:] if node.op_type == "Conv" else weight[_read_axis(node) :][:1]
            total += int(np.prod(made) * np.prod(per_output))
    return total


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
