"""Rewrites keep what a graph computes."""

import numpy as np
import onnx
import pytest
from export_helpers import run
from onnx import ModelProto, helper
from onnx_graphs import graph, types

from export.making.rewrites import hard_sigmoid
from models.onnx_graph import average_pool


def reduce_mean(axes: list[int], keepdims: int, shape: list[int], out: list[int]) -> ModelProto:
    """Return a model of one `ReduceMean`."""
    node = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=keepdims)
    return graph([node], {"axes": np.array(axes)}, shape, out)


@pytest.mark.parametrize(
    ("axes", "keepdims", "out"),
    [([2, 3], 1, [1, 4, 1, 1]), ([-1, -2], 1, [1, 4, 1, 1]), ([2, 3], 0, [1, 4])],
)
def test_mean_over_the_image_becomes_a_pool(axes: list, keepdims: int, out: list) -> None:
    model = reduce_mean(axes, keepdims, [1, 4, 5, 6], out)
    images = np.random.default_rng(0).standard_normal((3, 4, 5, 6)).astype(np.float32)
    before = run(model.SerializeToString(), images)
    assert average_pool.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert types(model)["GlobalAveragePool"] == 1
    np.testing.assert_allclose(run(model.SerializeToString(), images), before, atol=1e-6)


@pytest.mark.parametrize(
    ("axes", "shape", "out"),
    [
        ([1, 2], [1, 4, 5, 6], [1, 1, 1, 6]),
        ([1, 2], [1, 5, 6], [1, 1, 1]),
        ([3], [1, 4, 5, 6], [1, 4, 5, 1]),
    ],
)
def test_other_means_are_left_alone(axes: list, shape: list, out: list) -> None:
    model = reduce_mean(axes, 1, shape, out)
    before = model.SerializeToString()
    assert average_pool.apply(model) == 0
    assert types(model)["ReduceMean"] == 1
    assert model.SerializeToString() == before


def hard_sigmoid_model(out_scale: float, kind: type, alpha: float, beta: float) -> ModelProto:
    """Return quantize, read back, hard sigmoid, quantize, read back."""
    zero = np.iinfo(kind).min
    constants = {
        "in_scale": np.float32(0.05),
        "in_zero": kind(zero + 128),
        "out_scale": np.float32(out_scale),
        "out_zero": kind(zero),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "in_scale", "in_zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "in_scale", "in_zero"], ["xd"]),
        helper.make_node("HardSigmoid", ["xd"], ["h"], alpha=alpha, beta=beta),
        helper.make_node("QuantizeLinear", ["h", "out_scale", "out_zero"], ["hq"]),
        helper.make_node("DequantizeLinear", ["hq", "out_scale", "out_zero"], ["y"]),
    ]
    return graph(nodes, constants, [1, 256], [1, 256])


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
@pytest.mark.parametrize("scale", [1 / 255, 0.8 / 255])
@pytest.mark.parametrize(("alpha", "beta"), [(1 / 6, 0.5), (0.2, 0.5)])
@pytest.mark.parametrize("optimised", [True, False])
def test_hard_sigmoid_as_a_sum(
    kind: type, scale: float, alpha: float, beta: float, optimised: bool
) -> None:
    model = hard_sigmoid_model(scale, kind, alpha, beta)
    every_value = ((np.arange(256) - 128) * 0.05).astype(np.float32)[None]
    before = run(model.SerializeToString(), every_value, optimised=False)
    assert hard_sigmoid.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    after = run(model.SerializeToString(), every_value, optimised=optimised)
    assert types(model)["HardSigmoid"] == 0
    assert np.ptp(before) > 0.7
    np.testing.assert_allclose(after, before, atol=1.01 * scale)  # one step: rounding of a half
    assert np.mean(after != before) < 0.05


@pytest.mark.parametrize(("alpha", "beta"), [(-0.2, 0.5), (0.2, 0.0), (0.2, -0.5), (0.0, 0.5)])
def test_hard_sigmoid_that_is_no_sum_is_left_alone(alpha: float, beta: float) -> None:
    """No scale is negative, so neither a falling one nor a negative term can be written so."""
    assert hard_sigmoid.apply(hard_sigmoid_model(1 / 255, np.uint8, alpha, beta)) == 0


def test_hard_sigmoid_whose_integers_reach_above_one_is_left_alone() -> None:
    model = hard_sigmoid_model(1 / 100, np.uint8, 1 / 6, 0.5)
    assert hard_sigmoid.apply(model) == 0
    assert types(model)["HardSigmoid"] == 1
