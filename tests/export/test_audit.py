"""The audit counts what the runtime executes, not what the file asks for."""

from pathlib import Path

import onnx
from export_helpers import Files
from onnx import ModelProto, NodeProto, helper

from export import targets
from export.audit import KEPT, NO_INPUT, NO_KERNEL, NO_OUTPUT, Audit, audit
from export.int8 import quantize


def plant(source: Path, out: Path, between_input: bool) -> str:
    """Put a float node before or after the last convolution; returns the convolution's name."""
    model = onnx.load(source)
    conv = [node for node in model.graph.node if node.op_type == "Conv"][-1]
    at = list(model.graph.node).index(conv)
    if between_input:
        island = helper.make_node("Softsign", [conv.input[0]], ["island"], name="island")
        conv.input[0] = "island"
        _insert(model, at, island)
    else:
        island = helper.make_node("Softsign", ["raw"], [conv.output[0]], name="island")
        conv.output[0] = "raw"
        _insert(model, at + 1, island)
    onnx.save(model, out)
    return conv.name


def _insert(model: ModelProto, at: int, node: NodeProto) -> None:
    nodes = [NodeProto.FromString(one.SerializeToString()) for one in model.graph.node]
    nodes.insert(at, node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def unwanted(found: Audit) -> list[tuple[str, str]]:
    """Return the float convolutions that are not float on purpose."""
    return [(conv.name, conv.reason) for conv in found.float_convs if conv.reason != KEPT]


def test_all_but_the_convolution_of_the_image_are_integer_ones(files: Files) -> None:
    found = audit(files.int8)
    assert (found.int8_convs, found.convs_kept_float, found.total_convs) == (3, 1, 4)
    assert [conv.reason for conv in found.float_convs] == [KEPT]
    assert (found.quantize_nodes, found.dequantize_nodes) == (1, 1)
    assert set(found.float_ops) <= {"FusedGemm", "Gemm", "Sigmoid"}


def test_no_convolution_of_the_fp32_file_is(files: Files) -> None:
    found = audit(files.fp32)
    assert (found.int8_convs, found.total_convs) == (0, 4)
    assert {reason for _, reason in unwanted(found)} == {NO_INPUT}


def test_planted_float_input_is_found(tmp_path: Path, files: Files) -> None:
    planted = tmp_path / "planted.onnx"
    name = plant(files.int8, planted, between_input=True)
    found = audit(planted)
    assert (found.int8_convs, found.convs_kept_float, found.total_convs) == (2, 1, 4)
    assert unwanted(found) == [(name, NO_INPUT)]
    assert found.float_ops["Softsign"] == 1


def test_planted_float_output_is_found(tmp_path: Path, files: Files) -> None:
    planted = tmp_path / "planted.onnx"
    plant(files.int8, planted, between_input=False)
    found = audit(planted)
    assert (found.int8_convs, found.convs_kept_float, found.total_convs) == (2, 1, 4)
    assert [reason for _, reason in unwanted(found)] == [NO_OUTPUT]


def test_arm_file_is_counted_as_arm_runs_it(tmp_path: Path, files: Files) -> None:
    target = targets.resolve("cpu-arm")
    out = tmp_path / "arm.onnx"
    quantize.to_int8(files.fp32, out, target, files.calibration)
    as_here, as_on_arm = audit(out), audit(out, target.session_config)
    assert as_on_arm.int8_convs == 3
    if not target.runs_here(frozenset()) and as_here.int8_convs < 3:
        assert NO_KERNEL in {conv.reason for conv in as_here.float_convs}
