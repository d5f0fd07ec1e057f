"""What is rewritten before quantization: batch norms without a convolution, pools of floats."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import images, inputs, opened
from onnx import ModelProto, NodeProto, helper
from onnx_graphs import executed, graph, node_of, types

from export.making.int8 import quantize
from export.making.int8.quantize import first_setting
from export.making.rewrites import batch_norm, float_pool
from models.onnx_graph.index import GraphIndex, attribute

SHAPE = [1, 8, 6, 6]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def normalised(epsilon: float | None, fixed: bool = True, shape: list[int] = SHAPE) -> ModelProto:
    """Return a model of one batch norm, whose bias is computed where it is not `fixed`."""
    names = ["scale", "bias", "mean", "variance"]
    constants = dict(zip(names, noise(4, 8), strict=True))
    constants["variance"] = np.abs(constants["variance"]) + np.float32(1e-3)
    options = {} if epsilon is None else {"epsilon": epsilon}
    nodes = [helper.make_node("BatchNormalization", ["x", *names], ["y"], name="norm", **options)]
    if not fixed:
        constants["half"] = constants.pop("bias") / 2
        nodes.insert(0, helper.make_node("Add", ["half", "half"], ["bias"], name="bias"))
    return graph(nodes, constants, shape, shape)


@pytest.mark.parametrize("epsilon", [None, 1e-3])
def test_a_batch_norm_as_a_convolution_is_the_same(epsilon: float | None) -> None:
    model = normalised(epsilon)
    before = run(model.SerializeToString(), noise(3, *SHAPE[1:]))
    assert batch_norm.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert types(model) == {"Conv": 1}
    conv = node_of(model, "Conv")
    assert (conv.output[0], attribute(conv, "group")) == ("y", 8)
    after = run(model.SerializeToString(), noise(3, *SHAPE[1:]))
    assert np.ptp(before) > 1
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [[1, 8], [1, 8, 5], [1, 8, 3, 4, 2]])
def test_without_two_axes_of_places_a_batch_norm_is_a_product_and_a_sum(shape: list[int]) -> None:
    """A `BatchNorm1d` has no convolution that takes what it reads."""
    model = normalised(1e-3, shape=shape)
    before = run(model.SerializeToString(), noise(3, *shape[1:]))
    assert batch_norm.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert types(model) == {"Mul": 1, "Add": 1}
    assert np.ptp(before) > 1
    after = run(model.SerializeToString(), noise(3, *shape[1:]))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_a_batch_norm_of_an_unknown_shape_is_left_alone() -> None:
    model = normalised(1e-3)
    made = helper.make_node("MadeElsewhere", ["x"], ["made"], domain="elsewhere")
    model.opset_import.append(helper.make_opsetid("elsewhere", 1))
    model.graph.node[0].input[0] = "made"
    model.graph.node.insert(0, made)
    assert batch_norm.apply(model) == 0


def test_nothing_is_left_of_a_batch_norm() -> None:
    model = normalised(None)
    batch_norm.apply(model)
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read


def test_a_batch_norm_that_is_computed_is_left_alone() -> None:
    model = normalised(None, fixed=False)
    before = model.SerializeToString()
    assert batch_norm.apply(model) == 0
    assert model.SerializeToString() == before


@pytest.mark.parametrize("rewritten", [True, False])
def test_the_batch_norm_of_what_is_concatenated_runs_on_integers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rewritten: bool
) -> None:
    if not rewritten:
        monkeypatch.setattr(batch_norm, "apply", lambda model: 0)
    workshop = opened("concat", tmp_path)
    assert types(onnx.load(workshop.source))["BatchNormalization"] == 1
    out = tmp_path / "int8.onnx"
    quantize.quantize(workshop, first_setting(workshop), out)
    found = executed(out)
    assert types(found)["BatchNormalization"] == (not rewritten)
    convs = [node for node in found.graph.node if node.op_type == "QLinearConv"]
    assert [attribute(conv, "group", 1) for conv in convs].count(32) == rewritten
    assert types(found)["QuantizeLinear"] == 1 + (not rewritten), "to integers, and never back"
    np.testing.assert_allclose(run(out, inputs()), run(workshop.source, inputs()), atol=0.02)


def test_quantizing_a_batch_norm_is_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workshop = opened("concat", tmp_path)
    quantize.quantize(workshop, first_setting(workshop), tmp_path / "int8.onnx")
    assert capfd.readouterr() == ("", "")
    assert images().rows.size


def pooled(activation: str | None) -> ModelProto:
    """Return convolution, activation, pool, convolution."""
    constants = {"w": noise(4, 8, 3, 3), "v": noise(2, 4, 1, 1)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="stem", pads=[1] * 4)]
    if activation:
        limits = ["low", "high"] if activation == "Clip" else []
        nodes.append(helper.make_node(activation, ["c", *limits], ["a"], name="act"))
        constants |= {"low": np.float32(-1), "high": np.float32(6)} if limits else {}
    read = nodes[-1].output[0]
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}
    nodes += [
        helper.make_node("MaxPool", [read], ["p"], name="pool", **window),
        helper.make_node("Conv", ["p", "v"], ["y"], name="next"),
    ]
    return graph(nodes, constants, SHAPE, [1, 2, 3, 3])


@pytest.mark.parametrize(
    ("activation", "limit"),
    [("Relu", 0.0), ("Clip", np.finfo(np.float32).min), (None, np.finfo(np.float32).min)],
)
def test_the_barrier_after_a_pool_changes_no_bit(activation: str | None, limit: float) -> None:
    model = pooled(activation)
    before = run(model.SerializeToString(), noise(3, *SHAPE[1:]), optimised=False)
    kept = float_pool.apply(model, {"stem"})
    onnx.checker.check_model(model, full_check=True)
    barrier = node_of(model, "Max")
    assert set(kept) == {"pool", barrier.name}
    assert all("scalar kernel" in why for why in kept.values())
    assert GraphIndex(model).constant(barrier.input[1]) == np.float32(limit)
    assert list(barrier.output) == ["p"], "the readers of the pool read the barrier"
    after = run(model.SerializeToString(), noise(3, *SHAPE[1:]), optimised=False)
    assert np.array_equal(after, before)
    assert np.ptp(after) > 1


def test_the_pool_of_an_integer_convolution_is_left_alone() -> None:
    model = pooled("Relu")
    before = model.SerializeToString()
    assert float_pool.apply(model, {"next"}) == {}
    assert float_pool.apply(model, set()) == {}
    assert model.SerializeToString() == before


def test_a_pool_that_reads_the_image_is_left_alone() -> None:
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    model = graph(
        [helper.make_node("MaxPool", ["x"], ["y"], name="pool", **window)], {}, SHAPE, [1, 8, 3, 3]
    )
    assert float_pool.apply(model, {"stem"}) == {}
    assert types(model)["Max"] == 0


@pytest.mark.parametrize("rewritten", [True, False])
def test_the_pool_of_a_float_stem_is_executed_in_float(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rewritten: bool
) -> None:
    if not rewritten:
        monkeypatch.setattr(float_pool, "apply", lambda model, floats: {})
    workshop = opened("pool", tmp_path)
    out = tmp_path / "int8.onnx"
    quantize.quantize(workshop, first_setting(workshop), out)
    found = executed(out)
    assert reads_integers(found, node_of(found, "MaxPool")) != rewritten
    assert types(found)["QLinearConv"] == 2
    np.testing.assert_allclose(run(out, inputs()), run(workshop.source, inputs()), atol=0.02)


def reads_integers(model: ModelProto, node: NodeProto) -> bool:
    """Tell whether what a node reads was quantized after the last convolution before it."""
    index = GraphIndex(model)
    before = index.producer[node.input[0]]
    while before.op_type not in {"QuantizeLinear", "DequantizeLinear", "Conv", "FusedConv"}:
        before = index.producer[before.input[0]]
    return before.op_type == "QuantizeLinear"
