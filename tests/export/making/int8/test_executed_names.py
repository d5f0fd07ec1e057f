"""Every convolution that ONNX Runtime executes is found again in the file."""

from pathlib import Path

import onnx
import pytest
from int8_parts import PARTS, opened
from onnx import ModelProto, helper
from onnx_graphs import executed, graph

from export.making.int8.quantize import first_setting, quantize
from models.onnx_graph.executed import ConvNames

CONVS = {"Conv", "FusedConv", "QLinearConv"}


def convs(model: ModelProto, kinds: set[str]) -> list[str]:
    """Return the names of the convolutions of a graph."""
    return [node.name for node in model.graph.node if node.op_type in kinds]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_every_executed_convolution_is_found_once(
    part: str, precision: str, tmp_path: Path
) -> None:
    workshop = opened(part, tmp_path)
    file = workshop.prepared
    if precision == "int8":
        file = tmp_path / "int8.onnx"
        quantize(workshop, first_setting(workshop), file)
    written = onnx.load(workshop.prepared)
    names = ConvNames(written)
    run = convs(executed(file), CONVS)
    assert sorted(map(str, map(names.find, run))) == sorted(convs(written, {"Conv"}))


def activated(op_type: str) -> ModelProto:
    """Return a convolution and what it may take in."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv_out"], name="Conv_0"),
        helper.make_node(op_type, ["conv_out"], ["y"], name="act"),
    ]
    return graph(nodes, {"w": [[[[1.0]]]]}, [1, 1, 2, 2], [1, 1, 2, 2])


@pytest.mark.parametrize(
    "name", ["Conv_0", "conv_out", "y", "y_nchwc", "Conv_0_token_12", "y_token_3_nhwc"]
)
def test_a_name_is_that_of_the_node_or_of_what_it_makes(name: str) -> None:
    assert ConvNames(activated("Relu")).find(name) == "Conv_0"


@pytest.mark.parametrize("name", ["", "Conv_1", "act", "ReorderOutput", "token_3", "Conv_0_more"])
def test_any_other_name_is_not_found(name: str) -> None:
    assert ConvNames(activated("Relu")).find(name) is None


def test_what_is_no_activation_is_not_taken_in() -> None:
    assert ConvNames(activated("Neg")).find("y") is None
    assert ConvNames(activated("Neg")).find("conv_out") == "Conv_0"
