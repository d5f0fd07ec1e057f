"""Finding the nodes of a file in the graph that ONNX Runtime makes of it."""

import re

from onnx import ModelProto

from models.onnx_graph.index import GraphIndex

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
