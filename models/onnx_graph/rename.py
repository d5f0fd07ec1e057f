"""Tensors of an ONNX graph get other names, in the branches and loops that read them too.

`onnx.compose.add_prefix` leaves the names by which an inner graph reads the outer one as they were.
"""

from collections.abc import Callable, MutableSequence

from onnx import GraphProto, ModelProto

from models.onnx_graph.index import graphs


def rename(model: ModelProto, new: Callable[[str], str]) -> None:
    """Give every tensor and every node of a model the name that `new` makes of its own, in place.

    An empty name stands for nothing, and stays empty.
    """
    for graph in graphs(model.graph):
        _rename_ports(graph, new)
        for node in graph.node:
            node.name = new(node.name) if node.name else ""
            for names in (node.input, node.output):
                _rename_all(names, new)


def _rename_ports(graph: GraphProto, new: Callable[[str], str]) -> None:
    for port in (*graph.input, *graph.output, *graph.value_info):
        port.name = new(port.name)
    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = new(sparse.values.name)
    for annotation in graph.quantization_annotation:
        annotation.tensor_name = new(annotation.tensor_name)
        for entry in annotation.quant_parameter_tensor_names:
            entry.value = new(entry.value)


def _rename_all(names: MutableSequence[str], new: Callable[[str], str]) -> None:
    names[:] = [new(name) if name else "" for name in names]
