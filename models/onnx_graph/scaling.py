"""The calibration of probabilities in an ONNX graph: a slope and an offset before the sigmoid."""

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from edgepress.core.errors import UserError
from edgepress.core.scaling import Scalings, coefficients
from models.onnx_graph.index import (
    GraphIndex,
    add_constant,
    drop_unused_initializers,
    replace_node,
)

SLOPE, OFFSET = "edgepress_slope", "edgepress_offset"
"""The constants, by which the two nodes are found again."""
PROBS = "probs"
_RAW, _SCALED = "edgepress_raw", "edgepress_scaled"
_SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, where the logit is not finite."""


def write(path: Path, scalings: Scalings) -> None:
    """Scale the logits of a file, in place of any scaling that it has.

    The arithmetic is float32 whatever the network computes in: rounded further, logits that differ
    would become equal, and images would lose their order. A file whose probabilities do not come
    from a sigmoid gets the logits back from them.

    Args:
        path: An ONNX file that returns probabilities `[1, labels]`.
        scalings: One per label; where all are `None` the file is left without a scaling.

    Raises:
        UserError: the file has another type of output than float32.
    """
    model = onnx.load(path)
    changed = _take_out(model)
    if any(scalings):
        _put_in(model, scalings)
    elif not changed:
        return
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"The probabilities of the ONNX file cannot be calibrated ({reason})",
            got=path,
            allowed="a file that returns float32",
        ) from None
    onnx.save(model, path)


def remove(path: Path) -> None:
    """Let a file return the probabilities of its network again."""
    write(path, ())


def is_scaled(path: Path) -> bool:
    """Tell whether a file scales its logits."""
    model = onnx.load(path, load_external_data=False)
    return any(SLOPE in node.input for node in model.graph.node)


def _take_out(model: ModelProto) -> bool:
    """Remove the two nodes, let their readers read the logits, and tell whether there were any."""
    ours = [node for node in model.graph.node if {SLOPE, OFFSET} & set(node.input)]
    for node in ours:
        (before,) = [name for name in node.input if name not in (SLOPE, OFFSET)]
        for reader in model.graph.node:
            reader.input[:] = [before if name == node.output[0] else name for name in reader.input]
        model.graph.node.remove(node)
    drop_unused_initializers(model)
    return bool(ours)


def _put_in(model: ModelProto, scalings: Scalings) -> None:
    for name, values in zip((SLOPE, OFFSET), coefficients(scalings), strict=True):
        add_constant(model, name, np.asarray(values, np.float32))
    index, names = GraphIndex(model), [output.name for output in model.graph.output]
    probs = PROBS if PROBS in names else names[0]
    last = index.producer[probs]
    half = index.producer.get(last.input[0]) if last.op_type == "Cast" else None
    if last.op_type == "Sigmoid":
        logits, before = last.input[0], []
    elif half is not None and half.op_type == "Sigmoid":
        logits = _RAW
        before = [helper.make_node("Cast", [half.input[0]], [_RAW], to=TensorProto.FLOAT)]
        if index.only_consumer(half.output[0], "Cast") is not None:
            model.graph.node.remove(half)
    else:
        logits, before = _logits_again(model, last, probs)
    nodes = [
        *before,
        helper.make_node("Mul", [logits, SLOPE], ["edgepress_sloped"]),
        helper.make_node("Add", ["edgepress_sloped", OFFSET], [_SCALED]),
    ]
    for node in nodes:
        node.name = node.name or f"node_{node.output[0]}"
    own = last.name if last.op_type in ("Sigmoid", "Cast") else "edgepress_sigmoid"
    nodes.append(helper.make_node("Sigmoid", [_SCALED], [probs], name=own))
    replace_node(model, last, nodes)


def _logits_again(model: ModelProto, last: NodeProto, probs: str) -> tuple[str, list[NodeProto]]:
    """Return the logits of probabilities that no sigmoid makes, and the nodes that make them."""
    own = NodeProto.FromString(last.SerializeToString())
    own.output[:] = [_RAW if name == probs else name for name in own.output]
    low = add_constant(model, "edgepress_lowest", np.asarray(_SMALLEST, np.float32))
    high = add_constant(model, "edgepress_highest", np.asarray(1 - _SMALLEST, np.float32))
    one = add_constant(model, "edgepress_one", np.asarray(1, np.float32))
    nodes = [
        own,
        helper.make_node("Clip", [_RAW, low, high], ["edgepress_clipped"]),
        helper.make_node("Sub", [one, "edgepress_clipped"], ["edgepress_rest"]),
        helper.make_node("Div", ["edgepress_clipped", "edgepress_rest"], ["edgepress_odds"]),
        helper.make_node("Log", ["edgepress_odds"], ["edgepress_logits"]),
    ]
    return "edgepress_logits", nodes
