"""A file in half or double precision becomes one in single precision, with the same weights.

It is what rewrites, runtimes and the quantizer know, and nothing is lost: numbers of 16 bits are
numbers of 32 bits as well, and `python -m export.onnx --quantize fp16` makes 16 bits of them again.
ONNX Runtime has no convolution in bfloat16 on a CPU at all.
"""

from collections.abc import Iterator

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from models.onnx_graph.index import graphs

_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "precision", "stash_type")
"""Of ONNX's own operators: they name the kind of number that a node makes."""


def in_single(model: ModelProto) -> tuple[str, ...]:
    """Let a model compute in single precision, in place.

    Numbers in half precision are taken so wherever they are. Double precision is left to a network
    that takes and returns single precision: it has its reasons there.

    Returns:
        What it computed in: `float16`, `bfloat16`, `double`; nothing where nothing changed.
    """
    ports = (*model.graph.input, *model.graph.output)
    double = any(port.type.tensor_type.elem_type == TensorProto.DOUBLE for port in ports)
    taken: set[int] = {*_HALF, TensorProto.DOUBLE} if double else {*_HALF}
    changed: set[int] = set()
    every = list(graphs(model.graph))
    for graph in every:
        changed |= _ports(graph, taken) | _weights(_tensors(graph), taken)
        changed |= {kind for node in graph.node for kind in _kinds_made(node, taken)}
    for graph in every if changed else ():
        del graph.value_info[:]
    return tuple(TensorProto.DataType.Name(kind).lower() for kind in sorted(changed))


def _ports(graph: GraphProto, taken: set[int]) -> set[int]:
    found = set()
    for port in (*graph.input, *graph.output):
        if (kind := port.type.tensor_type.elem_type) in taken:
            port.type.tensor_type.elem_type = TensorProto.FLOAT
            found.add(kind)
    return found


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Yield what is stored in a graph: its weights, and the constants in its nodes."""
    yield from graph.initializer
    yield from (sparse.values for sparse in graph.sparse_initializer)
    for node in graph.node:
        yield from (one.t for one in node.attribute if one.type == AttributeProto.TENSOR)


def _weights(tensors: Iterator[TensorProto], taken: set[int]) -> set[int]:
    found = set()
    for tensor in tensors:
        if (kind := tensor.data_type) in taken:
            with np.errstate(over="ignore"):  # what is too large for it is infinite
                value = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
            found.add(kind)
    return found


def _kinds_made(node: NodeProto, taken: set[int]) -> set[int]:
    """Change the kinds of number that a node says it makes."""
    found = set()
    for one in node.attribute:
        if one.name in _TYPE_ATTRIBUTES and one.type == AttributeProto.INT and one.i in taken:
            found.add(one.i)
            one.i = TensorProto.FLOAT
    return found
