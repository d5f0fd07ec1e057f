"""Networks whose graph holds others: a branch that the image chooses, and a loop."""

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

SIDE, WIDTH = 32, 8
MAPS = [1, WIDTH, SIDE, SIDE]
KINDS = ("branch", "loop")


def network(kind: str, labels: int = 3) -> ModelProto:
    """Return two convolutions, what is of this kind, and a head; `labels` probabilities.

    Inside are a convolution with weights of the outer graph and, in a branch, one with its own;
    both read what the last ReLU outside makes, by its name.
    """
    random = np.random.default_rng(0)

    def weight(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.2).astype(np.float32)

    stored = {
        "w1": weight(WIDTH, 3, 3, 3), "w2": weight(WIDTH, WIDTH, 3, 3),
        "w3": weight(WIDTH, WIDTH, 3, 3), "head": weight(WIDTH, labels), "low": np.float32(0.4),
        "times": np.int64(2), "go": np.bool_(True),
    }  # fmt: skip
    inner = _branch(weight(WIDTH, WIDTH, 3, 3)) if kind == "branch" else _loop()
    nodes = [
        _conv("image", "w1", "a"), _relu("a", "b"), _conv("b", "w2", "c"), _relu("c", "d"), *inner,
        helper.make_node("GlobalAveragePool", ["made"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "head"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probs"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, kind, [_port("image", [1, 3, SIDE, SIDE])], [_port("probs", [1, labels])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def inner(model: ModelProto) -> list[GraphProto]:
    """Return the graphs in the nodes of a model."""
    return [part.g for node in model.graph.node for part in node.attribute if part.HasField("g")]


def _branch(own: np.ndarray) -> list[NodeProto]:
    then = helper.make_graph([_conv("d", "w3", "t")], "then", [], [_port("t", MAPS)])
    stored = [numpy_helper.from_array(own, "w4")]
    nodes = [_conv("d", "w4", "e"), _relu("e", "f")]
    otherwise = helper.make_graph(nodes, "else", [], [_port("f", MAPS)], stored)
    return [
        helper.make_node("ReduceMean", ["d"], ["level"], keepdims=0),
        helper.make_node("Greater", ["level", "low"], ["bright"]),
        helper.make_node(
            "If", ["bright"], ["made"], then_branch=then, else_branch=otherwise, name="if"
        ),
    ]


def _loop() -> list[NodeProto]:
    """Return what adds to the maps a convolution of them, twice, from the last ReLU on."""
    nodes = [
        _conv("state", "w3", "step"),
        helper.make_node("Add", ["step", "d"], ["next"]),
        helper.make_node("Identity", ["on"], ["still"]),
    ]
    body = helper.make_graph(
        nodes,
        "body",
        [_port("turn", [], TensorProto.INT64), _port("on", [], TensorProto.BOOL),
         _port("state", MAPS)],
        [_port("still", [], TensorProto.BOOL), _port("next", MAPS)],
    )  # fmt: skip
    return [helper.make_node("Loop", ["times", "go", "d"], ["made"], body=body, name="loop")]


def _conv(read: str, weight: str, made: str) -> NodeProto:
    return helper.make_node("Conv", [read, weight], [made], pads=[1] * 4, name=f"conv_{made}")


def _relu(read: str, made: str) -> NodeProto:
    return helper.make_node("Relu", [read], [made], name=f"relu_{made}")


def _port(name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
