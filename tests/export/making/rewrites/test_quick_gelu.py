"""A float SiLU between integers becomes `QuickGelu`, and nothing else does."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import inputs, opened
from onnx import ModelProto, helper
from onnx_graphs import executed, graph, node_of, types

from export.graph.plain import save_plain
from export.making.int8.groups import float_groups
from export.making.int8.quantize import first_setting, quantize
from export.making.rewrites import quick_gelu
from models.onnx_graph.index import attribute

VALUES = np.linspace(-8, 8, 256, dtype=np.float32)[None]


def silu(
    gate: str = "Sigmoid",
    readers: tuple[str, str] = ("first", "second"),
    swapped: bool = False,
    more: bool = False,
) -> ModelProto:
    """Return quantize, read back (by two nodes, as the optimiser does), `x gate(x)`.

    `readers` name what the gate and the product read: two copies of the same integers, `other`
    ones, or `x` itself; with `more` the gate has a second reader.
    """
    constants = {"scale": np.float32(0.06), "zero": np.uint8(128), "wide": np.float32(0.12)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("QuantizeLinear", ["x", "wide", "zero"], ["oq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["first"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["second"]),
        helper.make_node("DequantizeLinear", ["oq", "wide", "zero"], ["other"]),
        helper.make_node(gate, [readers[0]], ["gate"], name="gate"),
    ]
    factors = ["gate", readers[1]]
    product = helper.make_node("Mul", factors[:: -1 if swapped else 1], ["m"], name="product")
    last = helper.make_node("Add", ["m", "gate" if more else "m"], ["y"])
    return graph([*nodes, product, last], constants, [1, 256], [1, 256])


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("readers", [("first", "second"), ("first", "first")])
def test_the_same_function_in_one_node(readers: tuple[str, str], swapped: bool) -> None:
    model = silu(readers=readers, swapped=swapped)
    before = run(model.SerializeToString(), VALUES, optimised=False)
    assert quick_gelu.apply(model) == 1
    onnx.checker.check_model(model, full_check=True)
    found = types(model)
    assert (found["QuickGelu"], found["Sigmoid"], found["Mul"]) == (1, 0, 0)
    gelu = node_of(model, "QuickGelu")
    assert (gelu.domain, attribute(gelu, "alpha"), list(gelu.output)) == ("com.microsoft", 1, ["m"])
    after = run(model.SerializeToString(), VALUES, optimised=False)
    assert np.ptp(before) > 7
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_a_swish_that_goes_back_to_float_is_executed_in_one_node(tmp_path: Path) -> None:
    workshop = opened("swish", tmp_path)
    swish = float_groups(onnx.load(workshop.prepared))["swish activations"]
    setting = first_setting(workshop).keeping(dict.fromkeys(swish, "to see"))
    out = tmp_path / "int8.onnx"
    quantize(workshop, setting, out)
    found = types(executed(out))
    assert (found["QuickGelu"], found["QLinearConv"], found["QLinearSigmoid"]) == (1, 2, 0)
    np.testing.assert_allclose(run(out, inputs()), run(workshop.source, inputs()), atol=0.03)


def test_the_operator_set_is_imported_where_it_is_used_and_once(tmp_path: Path) -> None:
    def imported(model: ModelProto) -> list[tuple[str, int]]:
        source, out = tmp_path / "source.onnx", tmp_path / "out.onnx"
        onnx.save(model, source)
        save_plain(model, source, out)
        return [(entry.domain, entry.version) for entry in onnx.load(out).opset_import]

    used, unused, twice = silu(), silu(more=True), silu()
    assert (quick_gelu.apply(used), quick_gelu.apply(unused)) == (1, 0)
    twice.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert quick_gelu.apply(twice) == 1
    assert imported(used) == imported(twice) == [("", 18), ("com.microsoft", 1)]
    assert imported(unused) == [("", 18)]


@pytest.mark.parametrize(
    "model",
    [
        silu(gate="HardSigmoid"),
        silu(readers=("first", "other")),
        silu(readers=("x", "x")),
        silu(readers=("first", "x")),
        silu(more=True),
    ],
    ids=["hard", "other integers", "float", "float product", "the gate is read twice"],
)
def test_other_products_are_left_alone(model: ModelProto) -> None:
    before = model.SerializeToString()
    assert quick_gelu.apply(model) == 0
    assert model.SerializeToString() == before
    assert types(model)["Mul"] == 1
