"""Integer arithmetic by hand: rounded weights, corrected biases, folded batch norms."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper, numpy_helper
from onnx_graphs import graph

from edgepress.core.image_spec import ImageSpec
from export.making.int8 import bias_correction
from export.making.int8.calibration import Calibration
from export.making.rewrites import batch_norm
from models.onnx_graph.index import GraphIndex, attribute

# ---- bias correction


def test_what_a_convolution_puts_out_for_its_mean_input() -> None:
    weight = np.zeros((2, 3, 1, 2), np.float32)
    weight[0] = [[[1, 2]], [[0, 1]], [[4, 0]]]  # per input: 3, 1, 4
    weight[1] = [[[0, 1]], [[1, 1]], [[0, 0]]]  # 1, 2, 0
    found = bias_correction._response(weight, np.array([10.0, 100.0, 1000.0]), 1)
    assert found.tolist() == [30 + 100 + 4000, 10 + 200]


def test_each_group_reads_its_own_inputs_in_their_order() -> None:
    weight = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32).reshape(4, 2, 1, 1)
    found = bias_correction._response(weight, np.array([1.0, 10.0, 100.0, 1000.0]), 2)
    assert found.tolist() == [1 + 20, 3 + 40, 500 + 6000, 700 + 8000]
    depthwise = bias_correction._response(weight[:, :1], np.array([1.0, 10.0, 100.0, 1000.0]), 4)
    assert depthwise.tolist() == [1, 30, 500, 7000]


def dequantized(
    rounded: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, **kwargs: int
) -> np.ndarray | None:
    """Return what is made of a `DequantizeLinear`."""
    constants = {"q": rounded, "s": scale} | ({} if zero is None else {"z": zero})
    node = helper.make_node("DequantizeLinear", list(constants), ["y"], **kwargs)
    return bias_correction._dequantized("y", GraphIndex(graph([node], constants, [1], [1])))


def test_rounded_weights_are_read_with_their_own_scales_and_zero_points() -> None:
    rounded = np.array([[2, 4, 6], [8, 10, 12]], np.int8)
    one = dequantized(rounded, np.float32(0.5), np.int8(2))
    assert one.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert dequantized(rounded, np.float32(0.5), None).tolist() == [[1, 2, 3], [4, 5, 6]]
    rows = dequantized(rounded, np.float32([0.5, 2]), np.array([2, 8], np.int8), axis=0)
    assert rows.tolist() == [[0, 1, 2], [0, 4, 8]]
    columns = dequantized(rounded, np.float32([1, 2, 3]), np.array([0, 0, 2], np.int8))
    assert columns.tolist() == [[2, 8, 12], [8, 20, 30]], "the axis is 1 where none is said"
    scalar = dequantized(rounded, np.float32([0.5, 1]), np.array([2], np.int8), axis=0)
    assert scalar.tolist() == [[0, 1, 2], [6, 8, 10]]


def test_what_is_no_rounded_weight_is_none() -> None:
    index = GraphIndex(graph([helper.make_node("Relu", ["x"], ["y"])], {}, [1], [1]))
    assert bias_correction._dequantized("y", index) is None
    assert bias_correction._dequantized("x", index) is None
    node = helper.make_node("DequantizeLinear", ["x", "s"], ["y"])
    index = GraphIndex(graph([node], {"s": np.float32(1)}, [1], [1]))
    assert bias_correction._dequantized("y", index) is None


def qdq_conv(
    weight: np.ndarray, bias: np.ndarray, scales: np.ndarray | None, group: int = 1
) -> ModelProto:
    """Return a convolution of int8 weights with a scale of 0.5; int32 biases where given scales."""
    constants = {
        "w8": weight.astype(np.int8),
        "w_scale": np.full(len(weight), 0.5, np.float32),
        "w_zero": np.zeros(len(weight), np.int8),
        "b": bias if scales is not None else bias.astype(np.float32),
    }
    nodes = [helper.make_node("DequantizeLinear", ["w8", "w_scale", "w_zero"], ["w"], axis=0)]
    if scales is not None:
        constants |= {"b_scale": scales.astype(np.float32)}
        nodes.append(helper.make_node("DequantizeLinear", ["b", "b_scale"], ["bias"], axis=0))
    inputs = ["x", "w", "bias" if scales is not None else "b"]
    nodes.append(helper.make_node("Conv", inputs, ["y"], name="conv", group=group))
    channels = weight.shape[1] * group
    return graph(nodes, constants, [1, channels, 4, 4], [1, len(weight), 4, 4])


def float_conv(weight: np.ndarray, group: int = 1) -> ModelProto:
    """Return the float convolution that was rounded."""
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], name="conv", group=group)
    constants = {"w": weight.astype(np.float32), "b": np.zeros(len(weight), np.float32)}
    return graph([node], constants, [1, weight.shape[1] * group, 4, 4], [1, len(weight), 4, 4])


WEIGHT = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]).reshape(4, 2, 1, 1)
ROUNDED = 2 * WEIGHT + np.array([1, 0, 0, 1, 1, 0, 0, 1]).reshape(4, 2, 1, 1)  # 0.5 too much
MEAN = np.array([1.0, 10.0, 100.0, 1000.0])
SHIFT = [0.5 * 1, 0.5 * 10, 0.5 * 100, 0.5 * 1000]


def corrected(model: ModelProto, source: ModelProto, folder: Path) -> tuple[int, np.ndarray]:
    """Return how many biases were corrected, and the one."""
    file = folder / "int8.onnx"
    onnx.save(model, file)
    count = bias_correction.apply(file, source, {"conv": MEAN})
    return count, GraphIndex(onnx.load(file)).constant("b")


def test_a_float_bias_of_a_grouped_convolution_by_hand(tmp_path: Path) -> None:
    start = np.array([1.0, 2.0, 3.0, 4.0])
    count, bias = corrected(qdq_conv(ROUNDED, start, None, 2), float_conv(WEIGHT, 2), tmp_path)
    assert count == 1
    np.testing.assert_allclose(bias, start - SHIFT)
    assert bias.dtype == np.float32


def test_a_rounded_bias_is_corrected_in_its_own_steps(tmp_path: Path) -> None:
    start = np.array([7, 7, 7, -(2**31) + 1], np.int32)
    scales = np.array([0.25, 2.0, 0.5, 0.001])
    model = qdq_conv(ROUNDED, start, scales, 2)
    count, bias = corrected(model, float_conv(WEIGHT, 2), tmp_path)
    assert count == 1
    assert bias.tolist() == [7 - 2, round(7 - 2.5), 7 - 100, -(2**31)]
    assert bias.dtype == np.int32


def test_only_rounded_convolutions_with_a_bias_are_corrected(tmp_path: Path) -> None:
    start = np.zeros(4)
    rounded, source = qdq_conv(ROUNDED, start, None, 2), float_conv(WEIGHT, 2)
    for changed in ("name", "bias", "weight", "type"):
        model = ModelProto.FromString(rounded.SerializeToString())
        conv = model.graph.node[-1]
        if changed == "name":
            conv.name = "another"
        elif changed == "bias":
            del conv.input[2]
        elif changed == "weight":
            conv.input[1] = "x"
        else:
            conv.op_type = "ConvInteger"
        count, bias = corrected(model, source, tmp_path)
        assert (count, bias.tolist()) == (0, [0] * 4)


def test_a_bias_that_is_computed_stays(tmp_path: Path) -> None:
    model = qdq_conv(ROUNDED, np.zeros(4), None, 2)
    model.graph.node.insert(0, helper.make_node("Neg", ["b"], ["negative"]))
    model.graph.node[-1].input[2] = "negative"
    assert corrected(model, float_conv(WEIGHT, 2), tmp_path)[0] == 0


def noise(rows: list[int], pixels: np.ndarray) -> Calibration:
    spec = ImageSpec(height=4, width=4, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return Calibration(pixels, np.array(rows), spec)


def test_means_of_the_inputs_of_two_convolutions_by_hand() -> None:
    pixels = np.zeros((70, 4, 4, 3), np.uint8)
    pixels[2, ..., 0], pixels[5, ..., 0], pixels[5, ..., 2] = 51, 102, 255
    pixels[2, 0, 0, 1] = 255
    double = np.zeros((3, 3, 1, 1), np.float32)
    double[[0, 1, 2], [1, 2, 0]] = 2  # out 0 reads in 1, ...
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["middle"], name="first"),
        helper.make_node("Conv", ["middle", "w"], ["y"], name="second"),
    ]
    model = graph(nodes, {"w": double}, [1, 3, 4, 4], [1, 3, 4, 4])
    found = bias_correction.input_means(model, noise([2, 5], pixels))
    np.testing.assert_allclose(found["first"], [0.3, 1 / 32, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found["second"], [1 / 16, 1.0, 0.6], rtol=1e-6)
    last = bias_correction.input_means(model, noise([*[0] * 63, 5, 2], pixels))
    np.testing.assert_allclose(last["first"], [0.4 / 64, 0, 1 / 64], rtol=1e-6)


# ---- batch norms


def test_a_batch_norm_becomes_a_convolution_by_hand() -> None:
    inputs = ["x", "scale", "bias", "mean", "variance"]
    node = helper.make_node("BatchNormalization", inputs, ["y"], name="norm", epsilon=1.0)
    constants = {
        "scale": np.float32([2, 3]), "bias": np.float32([1, -1]), "mean": np.float32([4, 5]),
        "variance": np.float32([3, 8]),
    }  # fmt: skip
    model = graph([node], constants, [1, 2, 4, 4], [1, 2, 4, 4])
    assert batch_norm.apply(model) == 1
    (conv,) = model.graph.node
    index = GraphIndex(model)
    assert (conv.op_type, attribute(conv, "group"), conv.output[0]) == ("Conv", 2, "y")
    assert (conv.name, attribute(conv, "kernel_shape")) == ("norm_as_conv", [1, 1])
    assert index.constant(conv.input[1]).ravel().tolist() == [1, 1]  # 2 / 2, 3 / 3
    assert index.constant(conv.input[2]).tolist() == [1 - 4, -1 - 5]
    assert {numpy_helper.to_array(one).shape for one in model.graph.initializer} == {
        (2, 1, 1, 1), (2,),
    }  # fmt: skip


def test_a_batch_norm_without_epsilon_has_the_standards() -> None:
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])
    ones, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    model = graph([node], {"s": ones, "b": none, "m": none, "v": none}, [1, 1, 4, 4], [1, 1, 4, 4])
    assert batch_norm.apply(model) == 1
    weight = GraphIndex(model).constant(model.graph.node[0].input[1])
    assert weight.item() == pytest.approx(1 / np.sqrt(1e-5))


@pytest.mark.parametrize(("given", "called"), [("norm", "norm"), ("", "y")])
def test_the_parts_of_a_flat_batch_norm_are_called_like_it(given: str, called: str) -> None:
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], name=given)
    constants = {name: np.ones(2, np.float32) for name in "sbmv"}
    model = graph([node], constants, [1, 2], [1, 2])
    assert batch_norm.apply(model) == 1
    assert [one.name for one in model.graph.node] == [f"{called}_as_product", f"{called}_as_sum"]
    assert {one.name for one in model.graph.initializer} == {f"{called}_factor", f"{called}_term"}


def test_a_batch_norm_of_computed_numbers_stays() -> None:
    node = helper.make_node("BatchNormalization", ["x", "s", "s", "s", "x"], ["y"])
    model = graph([node], {"s": np.ones(1, np.float32)}, [1, 1, 4, 4], [1, 1, 4, 4])
    assert batch_norm.apply(model) == 0
    assert [one.op_type for one in model.graph.node] == ["BatchNormalization"]
