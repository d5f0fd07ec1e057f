"""Reading the graph that ONNX Runtime makes of a file: what its nodes are, and were."""

import re
from typing import Literal

from onnx import ModelProto, NodeProto, TensorProto

from models.onnx_graph.index import GraphIndex

Kind = Literal["integer", "float", "conversion", "layout"]
"""What a node does: compute with integers, compute in float, convert between them, move values."""

INTEGER_CONVS = {"QLinearConv", "ConvInteger"}
FLOAT_CONVS = {
    "Conv",
    "FusedConv",
    "NhwcFusedConv",
    "NhwcConv",
    "ConvTranspose",
    "QLinearConvTranspose",
}
# These move or view values without computing, whatever the type of the values.
LAYOUT = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose", "Concat", "Pad",
    "Slice", "Split", "Gather", "Expand", "Constant", "ReorderInput", "ReorderOutput",
    "DepthToSpace", "SpaceToDepth", "Shape",
}  # fmt: skip
CONVERSIONS = {"QuantizeLinear", "DequantizeLinear"}
ACTIVATIONS = ("Relu", "Clip", "Sigmoid", "HardSigmoid")
_SUFFIXES = re.compile(r"(_token_\d+|_nchwc|_nhwc)+$")


class ConvNames:
    """The convolutions of a file by the names that they have when they are executed.

    The optimiser keeps a convolution's name, or calls it after what it outputs, or after the
    output of the activation that it has taken in, with a suffix for the layout.
    """

    def __init__(self, model: ModelProto) -> None:
        index = GraphIndex(model)
        self._written: dict[str, str] = {}
        for node in model.graph.node:
            if node.op_type == "Conv":
                self._written |= dict.fromkeys((node.name, node.output[0]), node.name)
                for reader in index.consumers[node.output[0]]:
                    if reader.op_type in ACTIVATIONS:
                        self._written[reader.output[0]] = node.name

    def find(self, executed: str) -> str | None:
        """Return the name in the file of an executed convolution, `None` if it is not there."""
        return self._written.get(_SUFFIXES.sub("", executed))


def kinds(executed: ModelProto) -> list[tuple[NodeProto, Kind]]:
    """Return what each node of an executed graph does, in the graph's order."""
    integer = {
        tensor.name
        for tensor in executed.graph.initializer
        if tensor.data_type in (TensorProto.UINT8, TensorProto.INT8)
    }
    found: list[tuple[NodeProto, Kind]] = []
    for node in executed.graph.node:
        kind = _kind(node, integer)
        if _makes_integers(node, kind, integer):
            integer.update(node.output)
        found.append((node, kind))
    return found


def _kind(node: NodeProto, integer: set[str]) -> Kind:
    op_type = node.op_type
    if op_type in CONVERSIONS:
        return "conversion"
    if op_type in FLOAT_CONVS:
        return "float"
    if op_type in INTEGER_CONVS or op_type.startswith("QLinear") or op_type == "QGemm":
        return "integer"
    if op_type in LAYOUT:
        return "layout"
    return "integer" if node.input and node.input[0] in integer else "float"


def _makes_integers(node: NodeProto, kind: Kind, integer: set[str]) -> bool:
    """Tell whether 8-bit values come out: pooling and moves keep the type of what they read."""
    if node.op_type == "QuantizeLinear":
        return True
    if kind == "layout":
        return bool(node.input) and node.input[0] in integer
    return kind == "integer" and node.op_type != "ConvInteger"
