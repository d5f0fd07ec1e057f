"""The audit counts what the runtime executes, not what the file asks for."""

from pathlib import Path
from typing import Any

import onnx
import pytest
from export_helpers import LABELS, SPEC, Files
from onnx import ModelProto, NodeProto, helper

from benchmarks.candidates import BareModel
from benchmarks.runtimes._profile import NodeTime
from compress.core.labels import Labels
from compress.core.manifest import Manifest
from export import targets
from export.audit import KEPT, NO_INPUT, NO_KERNEL, NO_OUTPUT, Audit, audit
from export.int8 import quantize
from export.int8.timing import Stopwatch


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
    assert set(found.float_ops) <= {"FusedGemm", "Gemm", "GlobalAveragePool", "Sigmoid"}


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
    if not target.runs_here("unknown") and as_here.int8_convs < 3:
        assert NO_KERNEL in {conv.reason for conv in as_here.float_convs}


def test_a_planted_float_island_has_its_share_of_the_time(tmp_path: Path, files: Files) -> None:
    planted = tmp_path / "planted.onnx"
    plant(files.int8, planted, between_input=True)
    times = node_times(planted)
    slow = [node.model_copy(update={"seconds": 1.0}) for node in times if "island" in node.name]
    assert len(slow) == 1
    others = [node for node in times if "island" not in node.name]
    rest = sum(node.seconds for node in others)
    shares = audit(planted, times=[*slow, *others]).time_shares
    assert shares is not None
    assert next(iter(shares.floats)) == "Softsign"  # the slowest first
    assert shares.floats["Softsign"] == pytest.approx(1 / (1 + rest))
    whole = shares.integer + shares.conversions + shares.layout + sum(shares.floats.values())
    assert whole == pytest.approx(1)
    assert shares.not_integer == pytest.approx(1 - shares.integer - shares.layout)


def test_the_float_file_spends_no_time_on_integers(files: Files) -> None:
    shares = audit(files.fp32, times=node_times(files.fp32)).time_shares
    assert shares is not None
    assert (shares.integer, shares.conversions) == (0, 0)
    assert any("Conv" in name for name in shares.floats)
    assert audit(files.fp32).time_shares is None


def node_times(path: Path) -> tuple[NodeTime, ...]:
    """Return what the nodes of a file take here."""
    labels = Labels(names=LABELS, thresholds=(0.5,) * 3, prevalence=(0.5,) * 3)
    base: dict[str, Any] = {"id": "bare", "stage": "none", "config": {}, "kind": "onnx"}
    manifest = Manifest(**base, image=SPEC, labels=labels, data=None)
    return Stopwatch(lambda file: BareModel(file, manifest), path, "cpu", 1).node_times(path)
