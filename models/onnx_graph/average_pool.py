"""`ReduceMean` over the image becomes `GlobalAveragePool`.

Torch's exporter writes the mean over height and width as `ReduceMean`, whether it was an
`AdaptiveAvgPool2d` or a `mean((2, 3))`. ONNX Runtime has an integer kernel for
`GlobalAveragePool` only: with `ReduceMean` the tensor goes to float and back.
"""

import onnx
from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import GraphIndex, attribute, drop_unused_initializers


def apply(model: ModelProto) -> int:
    """Rewrite a model in place; returns how many nodes were replaced."""
    index = GraphIndex(model)
    ranks = _ranks(model)
    nodes: list[NodeProto] = []
    replaced = 0
    for node in model.graph.node:
        if node.op_type == "ReduceMean" and _is_spatial(node, index, ranks):
            nodes += _pool(node)
            replaced += 1
        else:
            nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    drop_unused_initializers(model)
    return replaced


def _ranks(model: ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        info.name: len(info.type.tensor_type.shape.dim)
        for info in [*graph.value_info, *graph.input]
    }


def _is_spatial(node: NodeProto, index: GraphIndex, ranks: dict[str, int]) -> bool:
    axes = attribute(node, "axes")
    if axes is None and len(node.input) > 1:
        axes = index.constant(node.input[1])
    if axes is None or ranks.get(node.input[0]) != 4:
        return False
    return sorted(int(axis) % 4 for axis in axes) == [2, 3]


def _pool(node: NodeProto) -> list[NodeProto]:
    source, output = node.input[0], node.output[0]
    if attribute(node, "keepdims", 1):
        return [helper.make_node("GlobalAveragePool", [source], [output], name=node.name)]
    pooled = f"{output}_pooled"
    return [
        helper.make_node("GlobalAveragePool", [source], [pooled], name=node.name),
        helper.make_node("Flatten", [pooled], [output], name=f"{node.name}_flat"),
    ]
