"""Equalization changes the weights of two convolutions and nothing that they compute."""

import numpy as np
import onnx
import pytest
from export_helpers import run
from onnx import ModelProto, helper, numpy_helper
from onnx_graphs import graph

from export.making.rewrites import equalize

SHAPE = [1, 3, 8, 8]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pair(between: str | None, depthwise: bool = False, more: bool = False) -> ModelProto:
    """Return two convolutions with an activation between them, whose ranges differ by channel.

    With `more` something else reads what is between them too.
    """
    stretched = np.logspace(-2, 2, 8, dtype=np.float32)
    second = noise(8, 1, 3, 3, seed=1) if depthwise else noise(8, 8, 3, 3, seed=1)
    constants = {
        "w1": noise(8, 3, 3, 3) * stretched.reshape(8, 1, 1, 1),
        "b1": noise(8, seed=2) * stretched,
        "w2": second,
        "b2": noise(8, seed=3),
    }
    options = {"pads": [1] * 4}
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first", **options)]
    if between:
        limits = ["low", "high"] if between == "Clip" else []
        constants |= {"low": np.float32(0), "high": np.float32(6)} if limits else {}
        nodes.append(helper.make_node(between, ["a", *limits], ["b"], name="act"))
    read = nodes[-1].output[0]
    group = {"group": 8} if depthwise else {}
    last = helper.make_node("Conv", [read, "w2", "b2"], ["c"], name="second", **options, **group)
    end = helper.make_node("Add", ["c", read if more else "c"], ["y"], name="end")
    return graph([*nodes, last, end], constants, SHAPE, [1, 8, 8, 8])


def weights(model: ModelProto, name: str) -> np.ndarray:
    (found,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    return numpy_helper.to_array(found)


def spread(model: ModelProto) -> float:
    """Return how many times the largest range of a channel is the smallest one's."""
    ranges = np.abs(weights(model, "w1")).reshape(8, -1).max(axis=1)
    return float(ranges.max() / ranges.min())


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("between", ["Relu", None])
def test_two_convolutions_share_their_ranges(between: str | None, depthwise: bool) -> None:
    model = pair(between, depthwise)
    images = noise(4, *SHAPE[1:], seed=9)
    before, spread_before = run(model.SerializeToString(), images), spread(model)
    assert equalize.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    after = run(model.SerializeToString(), images)
    assert np.ptp(before) > 1
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4 * np.abs(before).max())
    assert spread(model) < spread_before / 10
    one = np.abs(weights(model, "w1")).reshape(8, -1).max(axis=1)
    two = np.moveaxis(weights(model, "w2"), 0 if depthwise else 1, 0)
    np.testing.assert_allclose(one, np.abs(two).reshape(8, -1).max(axis=1), rtol=1e-3)


@pytest.mark.parametrize(
    "model", [pair("Clip"), pair("Sigmoid"), pair("Relu", more=True), pair(None, more=True)]
)
def test_what_a_scale_would_change_is_left_alone(model: ModelProto) -> None:
    before = model.SerializeToString()
    assert equalize.apply(model) == 0
    assert model.SerializeToString() == before


def test_a_channel_without_weights_is_left_alone() -> None:
    model = pair("Relu")
    (tensor,) = [one for one in model.graph.initializer if one.name == "w1"]
    values = numpy_helper.to_array(tensor).copy()
    values[3] = 0
    tensor.CopyFrom(numpy_helper.from_array(values, "w1"))
    assert equalize.apply(model) == 1
    assert np.isfinite(weights(model, "w1")).all()
    assert np.isfinite(weights(model, "w2")).all()
    assert not weights(model, "w1")[3].any()


def nearly_dead(share: float) -> ModelProto:
    """Return a pair with a channel whose weights are so small a share of the largest."""
    model = pair("Relu")
    (tensor,) = [one for one in model.graph.initializer if one.name == "w1"]
    values = numpy_helper.to_array(tensor).copy()
    values[3] = np.abs(values).max() * np.float32(share)
    tensor.CopyFrom(numpy_helper.from_array(values, "w1"))
    return model


@pytest.mark.parametrize("share", [1e-40, 1e-30, 1e-12])
def test_a_channel_that_is_nearly_dead_is_left_alone(share: float) -> None:
    """No float holds the factor that would bring it up."""
    model, images = nearly_dead(share), noise(4, *SHAPE[1:], seed=9)
    before = run(model.SerializeToString(), images)
    small = weights(model, "w1")[3]
    assert equalize.apply(model) == 1
    np.testing.assert_array_equal(weights(model, "w1")[3], small)
    for name in ("w1", "b1", "w2", "b2"):
        assert np.isfinite(weights(model, name)).all()
    after = run(model.SerializeToString(), images)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4 * np.abs(before).max())


def reused(which: str) -> ModelProto:
    """Return a pair of which something else reads a weight, a bias, or what is between the two."""
    model = pair("Relu")
    nodes, again = (
        model.graph.node,
        helper.make_node("Conv", ["c", "w2", "b2"], ["d"], pads=[1] * 4),
    )
    if which == "output":
        model.graph.output.add().CopyFrom(helper.make_tensor_value_info("b", 1, [1, 8, 8, 8]))
        return model
    if which == "bias":
        again.input[1] = "w3"
        model.graph.initializer.append(numpy_helper.from_array(noise(8, 8, 3, 3), "w3"))
    nodes[-1].input[:] = ["d", "d"]
    nodes.insert(len(nodes) - 1, again)
    return model


@pytest.mark.parametrize("which", ["weight", "bias", "output"])
def test_what_is_used_twice_is_left_alone(which: str) -> None:
    """Scaled for one use it would be wrong for the other; a bias may scale with nothing at all."""
    model = reused(which)
    onnx.checker.check_model(model, full_check=True)
    session_before = model.SerializeToString()
    assert equalize.apply(model) == 0
    assert model.SerializeToString() == session_before


def test_groups_of_several_channels_are_left_alone() -> None:
    """Two channels in, one out, four groups: as many groups as outputs, and no depthwise one."""
    constants = {"w1": noise(8, 3, 1, 1), "w2": noise(4, 2, 1, 1)}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "w2"], ["y"], name="second", group=4),
    ]
    model = graph(nodes, constants, SHAPE, [1, 4, 8, 8])
    assert equalize.apply(model) == 0
