"""A pooling that reads a float tensor is kept apart from the quantization that follows it.

ONNX Runtime moves a `QuantizeLinear` back across a `MaxPool`. Where the pooled tensor comes from a
float convolution the pooling then runs on integers in the layout of the float one, for which there
is only a scalar kernel: 7.1 of the 8.8 ms of a SqueezeNet at 224 px, against 0.1 ms in float. A
`Max` with a constant that changes nothing stands in the way.
"""

import numpy as np
from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import GraphIndex, add_constant, replace_node

CLIPPED = {"Relu", "Clip"}


def apply(model: ModelProto, floats: set[str]) -> dict[str, str]:
    """Rewrite a float model in place, where nodes named in `floats` will not be quantized.

    Returns the nodes that must then stay float, by name, with the reason.
    """
    index = GraphIndex(model)
    kept: dict[str, str] = {}
    for node in list(model.graph.node):
        if node.op_type == "MaxPool" and _maker(node, index).name in floats:
            barrier = _barrier(model, node, index)
            why = "it pools a float tensor, where integers have a scalar kernel only"
            kept |= {node.name: why, barrier: why}
    return kept


def _maker(node: NodeProto, index: GraphIndex) -> NodeProto:
    """Return the node that computes what a pooling reads, past its activation."""
    maker = index.producer.get(node.input[0])
    while maker is not None and maker.op_type in CLIPPED:
        maker = index.producer.get(maker.input[0])
    return maker or NodeProto()


def _barrier(model: ModelProto, pool: NodeProto, index: GraphIndex) -> str:
    output = pool.output[0]
    name = f"{output}_barrier"
    before = index.producer.get(pool.input[0])
    rectified = before is not None and before.op_type == "Relu"
    lowest = np.float32(0) if rectified else np.finfo(np.float32).min
    pooled = NodeProto.FromString(pool.SerializeToString())
    pooled.output[0] = f"{output}_pooled"
    limit = add_constant(model, f"{name}_limit", np.asarray(lowest, np.float32))
    barrier = helper.make_node("Max", [pooled.output[0], limit], [output], name=name)
    current = next(one for one in model.graph.node if one.output[0] == output)
    replace_node(model, current, [pooled, barrier])
    return name
