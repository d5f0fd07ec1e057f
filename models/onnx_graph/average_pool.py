"""`ReduceMean` over the image becomes `GlobalAveragePool`.

Torch's exporter writes the mean over height and width as `ReduceMean`, whether it was an
`AdaptiveAvgPool2d` or a `mean((2, 3))`. ONNX Runtime has an integer kernel for
`GlobalAveragePool` only: with `ReduceMean` the tensor goes to float and back.
"""

from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import GraphIndex, attribute, drop_unused_initializers, ranks


def apply(model: ModelProto) -> int:
    """Rewrite a model in place; returns how many nodes were replaced."""
    index = GraphIndex(model)
    known = ranks(model)
    nodes: list[NodeProto] = []
    replaced = 0
    for node in model.graph.node:
        if node.op_type == "ReduceMean" and _is_spatial(node, index, known):
            nodes += _pool(node)
            replaced += 1
        else:
            nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    drop_unused_initializers(model)
    return replaced


def _is_spatial(node: NodeProto, index: GraphIndex, known: dict[str, int]) -> bool:
    axes = attribute(node, "axes")
    if axes is None and len(node.input) > 1:
        axes = index.constant(node.input[1])
    if axes is None or known.get(node.input[0]) != 4:
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
