"""Does the end of a network's file fit what it is said to return?

Values alone do not tell: logits may all lie within 0..1, and probabilities always do. A second
sigmoid puts all of them between 0.5 and 0.73, in the right order, with an mAP that looks well.
"""

from pathlib import Path

import onnx
from onnx import ModelProto

from edgepress.core.errors import UserError
from export.adopting.sources._source import Output
from models.onnx_graph.index import GraphIndex

SQUASHING = frozenset({"Sigmoid", "HardSigmoid", "Softmax"})
"""What makes probabilities."""
LINEAR = frozenset({"Gemm", "MatMul", "Conv", "Add", "BatchNormalization", "GlobalAveragePool"})
"""What makes values of any size."""
_PASSING = frozenset(
    {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather", "Transpose", "Cast",
     "QuantizeLinear", "DequantizeLinear"}
)  # fmt: skip
"""What leaves values as they are."""


def check(file: Path, output: Output) -> tuple[str, ...]:
    """Hold a written file against what its network was said, or seemed, to return.

    Args:
        file: As a source has written it; of logits it makes probabilities.
        output: What the network returns.

    Returns:
        What is doubtful, a sentence each.

    Raises:
        UserError: a sigmoid was put behind a sigmoid.
    """
    model = onnx.load(file, load_external_data=False)
    last = _last(model, ours=output == "logits")
    if output == "logits" and last in SQUASHING:
        raise UserError(
            "The network returns probabilities, and would get a second sigmoid",
            got=f"--output logits for a network that ends in {last}",
            allowed="probs",
            next_step="--output probs, or leave it out",
        )
    if output == "probs" and last in LINEAR:
        return (
            f"output: all values lie within 0..1, but the network ends in {last}, which makes "
            "logits as a rule; where that is so: --output logits",
        )
    return ()


def _last(model: ModelProto, ours: bool) -> str | None:
    """Return the last operation that computes something, before our own sigmoid if there is one."""
    index, name = GraphIndex(model), model.graph.output[0].name
    while (node := index.producer.get(name)) is not None:
        if node.op_type == "Sigmoid" and ours:
            ours = False
        elif node.op_type not in _PASSING or not node.input:
            return str(node.op_type)
        name = node.input[0]
    return None
