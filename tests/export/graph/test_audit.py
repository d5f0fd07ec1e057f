"""The audit counts what the runtime executes, not what the file asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from export_helpers import LABELS, SPEC, Files, to_int8
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from benchmarks.evaluation.candidates import BareModel
from benchmarks.runtimes._profile import NodeTime
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest
from export import targets
from export.graph.audit import (
    KEPT,
    NO_INPUT,
    NO_KERNEL,
    NO_OUTPUT,
    Audit,
    _reads_image,
    audit,
    dense_layers,
)
from export.making.int8.prepare import kept_float, prepare
from export.making.int8.timing import Stopwatch
from models.onnx_graph.index import depthwise_channels
from models.onnx_graph.write import to_onnx


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
    to_int8(files.fp32, out, target, files.calibration)
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


def patches() -> torch.nn.Module:
    """Return a network whose only convolution reads the image; the rest are linear layers."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 8, 8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3),
        torch.nn.Sigmoid(),
    )  # fmt: skip


def test_dense_layers_with_weights_count(tmp_path: Path, files: Files) -> None:
    torch.manual_seed(0)
    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    to_onnx(patches(), SPEC, fp32)
    target = targets.resolve("cpu-vnni")
    to_int8(fp32, int8, target, files.calibration)
    prepare(fp32, tmp_path / "prepared.onnx")
    kept = kept_float(onnx.load(tmp_path / "prepared.onnx"))
    found = audit(int8, target.session_config, kept)
    assert (found.int8_convs, found.convs_kept_float, found.total_convs) == (0, 1, 1)
    assert (found.int8_dense, found.dense_kept_float, found.total_dense) == (1, 1, 2)
    floats = audit(fp32)
    assert (floats.int8_dense, floats.dense_kept_float, floats.total_dense) == (0, 0, 2)


def test_attention_has_no_weights() -> None:
    weight = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"], name="weighted"),
        helper.make_node("MatMul", ["q", "x"], ["y"], name="attention"),
    ]
    graph = helper.make_graph(nodes, "g", [], [], [weight])
    assert dense_layers(helper.make_model(graph)) == ["weighted"]


@pytest.mark.parametrize(("joined", "kept"), [(("image", "image"), True), (("image", "x"), False)])
def test_a_concat_with_features_is_no_image(joined: tuple[str, str], kept: bool) -> None:
    nodes = [
        helper.make_node("Relu", ["image"], ["x"]),
        helper.make_node("Concat", [*joined], ["both"], axis=1),
        helper.make_node("Transpose", ["both"], ["moved"]),
        helper.make_node("Conv", ["moved", "w"], ["y"], name="conv"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])
    model = helper.make_model(helper.make_graph(nodes, "g", [image], []))
    assert _reads_image(model.graph.node[-1], model) is kept


def test_only_depthwise_convolutions_are_called_so(tmp_path: Path) -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 24, 3),
        torch.nn.Conv2d(24, 24, 3, groups=3),  # RegNet's: eight channels a group
        torch.nn.Conv2d(24, 24, 3, groups=24),
        torch.nn.Conv2d(24, 48, 3, groups=24),
    )
    to_onnx(network, SPEC, tmp_path / "grouped.onnx")
    assert depthwise_channels(tmp_path / "grouped.onnx") == [24, 24]
