"""Weights in int8, arithmetic in float: a quarter of the file, the same speed."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from export_helpers import LABELS, SPEC, Files, run
from onnx import TensorProto, helper, numpy_helper

from benchmarks.evaluation.candidates import open_model
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from export import onnx as command
from export import targets
from export.graph import metadata
from export.making.int8_weights import quantized, to_int8_weights

FITTING = ("coreml", "cpu-arm", "cpu-avx2", "cpu-vnni", "cuda", "openvino", "webgpu", "xnnpack")


@pytest.fixture(scope="module")
def packed(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network with its weights in int8."""
    out = tmp_path_factory.mktemp("packed") / "packed.onnx"
    to_int8_weights(files.fp32, out)
    return out


def images(n: int = 8) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 3, SPEC.height, SPEC.width)).astype("f4")


def constants(path: Path) -> dict[str, np.ndarray]:
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


def test_every_weight_is_int8_with_a_scale_per_channel(files: Files, packed: Path) -> None:
    before, after = constants(files.fp32), constants(packed)
    weights = [name for name, value in before.items() if value.ndim >= 2]
    assert len(weights) == 5, "stem, depthwise, squeeze, pointwise, classifier"
    for name in weights:
        assert name not in after
        assert after[f"{name}_int8"].dtype == np.int8
        assert after[f"{name}_scale"].size == len(before[name]), "output channels come first"
        assert np.abs(after[f"{name}_int8"]).reshape(len(before[name]), -1).max(1).min() == 127
    floats = {name: value for name, value in after.items() if value.dtype == np.float32}
    assert all(
        np.array_equal(value, before[name]) for name, value in floats.items() if name in before
    )
    assert not {node.op_type for node in onnx.load(packed).graph.node} & {"QuantizeLinear"}


def test_an_error_is_at_most_half_a_step() -> None:
    weight = np.random.default_rng(0).standard_normal((7, 5, 3, 3)).astype("f4")
    weight[3] = 0
    weight[4] *= 1000
    for axis in (0, 1):
        values, scales = quantized(weight, axis)
        assert scales.shape == tuple(n if i == axis else 1 for i, n in enumerate(weight.shape))
        assert (np.abs(values * scales - weight) <= scales * 0.5001).all()
        assert values.min() >= -127


@pytest.mark.parametrize(
    ("op_type", "shape", "channels", "attributes"),
    [
        ("MatMul", (6, 4), (1, 4), {}),
        ("Gemm", (6, 4), (1, 4), {}),
        ("Gemm", (4, 6), (4, 1), {"transB": 1}),
    ],
)
def test_output_channels_lie_where_the_layer_has_them(
    op_type: str,
    shape: tuple[int, int],
    channels: tuple[int, int],
    attributes: dict[str, int],
    tmp_path: Path,
) -> None:
    weight = np.random.default_rng(0).standard_normal(shape).astype("f4")
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", "w"], ["y"], **attributes)],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "in.onnx")
    to_int8_weights(tmp_path / "in.onnx", tmp_path / "out.onnx")
    assert constants(tmp_path / "out.onnx")["w_scale"].shape == channels
    x = np.random.default_rng(1).standard_normal((3, 6)).astype("f4")
    wanted, got = (run(tmp_path / name, x) for name in ("in.onnx", "out.onnx"))
    np.testing.assert_allclose(got, wanted, atol=0.05)


def test_answers_stay_close_and_are_not_the_same(files: Files, packed: Path) -> None:
    difference = np.abs(run(files.fp32, images()) - run(packed, images())).max()
    assert 0 < difference < 0.05
    np.testing.assert_allclose(
        run(packed, images()), run(packed, images(), optimised=False), atol=1e-4
    )


def test_the_runtime_unpacks_the_weights_once_when_it_loads_them(
    packed: Path, tmp_path: Path
) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "as_run.onnx")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    ort.InferenceSession(packed, options, providers=["CPUExecutionProvider"])
    as_run = onnx.load(tmp_path / "as_run.onnx").graph
    assert not {node.op_type for node in as_run.node} & {"Cast", "DequantizeLinear"}
    assert {one.data_type for one in as_run.initializer} <= {TensorProto.FLOAT, TensorProto.INT64}


def export(model: Artifact, data: Path, out: Path, *more: str) -> int:
    common = ["--model", str(model.path), "--data", str(data), "--out", str(out)]
    return main(command.Config, command.run, [*common, "--quantize", "int8_weights", *more])


def test_export_names_the_number_format(trained: Artifact, data_folder: Path, tmp_path: Path):
    # The default gates, but for the size: this network is mostly graph, not weights.
    gates = ["--gate", "map drop <= 0.5", "size ratio <= 0.9"]
    assert export(trained, data_folder, tmp_path / "out", "--target", "cpu-avx2", *gates) == 0
    made = artifacts.load(tmp_path / "out")
    assert made.manifest.precision == "int8_weights"
    assert any("unpacks them once" in note for note in made.manifest.notes)
    assert metadata.read(made.weights).precision == "int8_weights"
    assert open_model(made.weights).manifest.precision == "int8_weights", "the file alone"
    assert export(made, data_folder, tmp_path / "again") == 2, "it is not quantized twice"


def test_a_large_network_shrinks_to_a_quarter(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((64, 512, 3, 3)).astype("f4")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 512, 3, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64, 1, 1])],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "in.onnx")
    to_int8_weights(tmp_path / "in.onnx", tmp_path / "out.onnx")
    sizes = [(tmp_path / name).stat().st_size for name in ("out.onnx", "in.onnx")]
    assert sizes[0] / sizes[1] == pytest.approx(0.25, abs=0.005)


def test_a_file_made_elsewhere_with_unpacking_nodes_is_recognised(tmp_path: Path) -> None:
    labels = Labels(names=LABELS, thresholds=(0.5, 0.5, 0.5), prevalence=(0.5, 0.5, 0.5))
    graph = helper.make_graph(
        [
            helper.make_node("DequantizeLinear", ["q", "scale"], ["w"]),
            helper.make_node("Conv", ["x", "w"], ["y"]),
        ],
        "elsewhere",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 8, 8])],
        [
            numpy_helper.from_array(np.ones((3, 3, 1, 1), np.int8), "q"),
            numpy_helper.from_array(np.float32(0.1), "scale"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in (("labels", labels), ("image", SPEC)):
        model.metadata_props.add(key=f"edgepress.{key}", value=value.model_dump_json())
    onnx.save(model, tmp_path / "foreign.onnx")
    assert open_model(tmp_path / "foreign.onnx").manifest.precision == "int8_weights"


@pytest.mark.parametrize("name", targets.names())
def test_targets_take_it_or_say_why_not(name: str) -> None:
    target = targets.resolve(name)
    if name in FITTING:
        targets.require_precision(target, "int8_weights")
        return
    with pytest.raises(UserError, match=r"does not take int8_weights: .*activations too"):
        targets.require_precision(target, "int8_weights")


def test_refusals_end_with_2_before_any_work(
    trained: Artifact, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(trained, data_folder, tmp_path / "out", "--target", "qnn") == 2
    assert "does not take int8_weights" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []
