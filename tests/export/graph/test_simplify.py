"""What is taken out of files made elsewhere changes no result."""

from collections import Counter
from pathlib import Path

import elsewhere
import numpy as np
import onnx
from export_helpers import run
from onnx import ModelProto, TensorProto, helper, numpy_helper

from export.graph.simplify import simplify


def operators(file: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(file).graph.node)


def test_turns_of_a_channels_last_network_are_taken_out(tmp_path: Path) -> None:
    file = elsewhere.nhwc_onnx(tmp_path / "n.onnx")
    model = onnx.load(file)
    front = helper.make_node("Transpose", ["nchw"], ["image"], perm=[0, 2, 3, 1])
    model.graph.node.insert(0, front)
    model.graph.input[0].CopyFrom(
        helper.make_tensor_value_info("nchw", TensorProto.FLOAT, [1, 3, 32, 32])
    )
    onnx.save(model, file)
    images = np.random.default_rng(0).standard_normal((3, 3, 32, 32)).astype("f4")
    before = run(file, images)
    assert operators(file)["Transpose"] == 2
    simplify(file)
    assert operators(file)["Transpose"] == 0
    np.testing.assert_allclose(run(file, images), before, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["n.onnx"]


def subtracting(shared: bool) -> ModelProto:
    """A convolution, `- mean`, `* scale`, and `+ bias`, which may be the mean again."""
    random = np.random.default_rng(0)
    names = {"w": (4, 3, 3, 3), "mean": (1, 4, 1, 1), "scale": (1, 4, 1, 1), "bias": (1, 4, 1, 1)}
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype("f4"), name)
        for name, shape in names.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"]),
        helper.make_node("Sub", ["a", "mean"], ["b"]),
        helper.make_node("Mul", ["b", "scale"], ["c"]),
        helper.make_node("Add", ["c", "mean" if shared else "bias"], ["made"]),
    ]
    ports = (("image", [1, 3, 8, 8]), ("made", [1, 4, 6, 6]))
    first, last = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ports)
    graph = helper.make_graph(nodes, "norm", [first], [last], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_batch_norm_that_subtracts_ends_in_its_convolution(tmp_path: Path) -> None:
    images = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype("f4")
    for shared in (False, True):
        file = tmp_path / "n.onnx"
        onnx.save(subtracting(shared), file)
        before = run(file, images)
        simplify(file)
        assert operators(file) == {"Conv": 1}
        np.testing.assert_allclose(run(file, images), before, atol=1e-5)
        assert onnx.load(file).ir_version == 8
