"""ONNX files in half, double and integer precision are taken with right answers, or refused."""

import warnings
from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
import torch
from export_helpers import run
from export_network import tiny
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.data.pixels import normalise
from export.graph.single import in_single
from models.onnx_graph.index import count_macs, count_params

KINDS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "double": torch.float64}
PIXELS = ("--mean", 0.485, 0.456, 0.406, "--std", 0.229, 0.224, 0.225, "--channel-order", "RGB")


@pytest.fixture
def taken(command, data_folder: Path, tmp_path: Path):
    """Adopt a file; return the artifact and what was said."""

    def adopt(file: Path) -> tuple[Artifact, str]:
        words = ("--model", file, "--data", data_folder, "--out", tmp_path / "out", *PIXELS)
        done = command("export.adopt", *words, "--gate", "parity <= 1e-3")
        assert done.code == 0, done.err
        return artifacts.load(tmp_path / "out"), done.err

    return adopt


def answers(artifact: Artifact) -> np.ndarray:
    return run(artifact.weights, normalise(elsewhere.pictures(), artifact.manifest.image))


def in_its_weights(dtype: torch.dtype, artifact: Artifact) -> np.ndarray:
    """What the network makes in single precision of weights that were rounded to another one."""
    images = torch.from_numpy(normalise(elsewhere.pictures(), artifact.manifest.image))
    with torch.no_grad():
        return tiny(elsewhere.LABELS).to(dtype).float()(images).sigmoid().numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_another_precision(kind: str, taken, tmp_path: Path) -> None:
    """Exported as people do it: `.half()`, and an example in half precision."""
    image = elsewhere.example().to(KINDS[kind])
    network = tiny(elsewhere.LABELS).to(KINDS[kind])
    file = elsewhere.onnx_file(tmp_path / "n.onnx", network, image, do_constant_folding=False)
    assert onnx.load(file).graph.input[0].type.tensor_type.elem_type != TensorProto.FLOAT
    made, said = taken(file)
    assert said.count(f"computes in {kind}: it is taken in float32") == 1
    assert made.manifest.precision == "fp32"
    np.testing.assert_allclose(answers(made), in_its_weights(KINDS[kind], made), atol=1e-5)


@pytest.mark.parametrize("keep", [True, False])
def test_half_precision_by_the_converter(keep: bool, taken, tmp_path: Path) -> None:
    """`keep_io_types` leaves its Cast of the input behind the nodes that read it."""
    single = onnx.load(elsewhere.onnx_file(tmp_path / "n.onnx"))
    onnx.save(convert_float_to_float16(single, keep_io_types=keep), tmp_path / "half.onnx")
    made, said = taken(tmp_path / "half.onnx")
    assert "computes in float16: it is taken in float32" in said
    weights = {tensor.data_type for tensor in onnx.load(made.weights).graph.initializer}
    assert TensorProto.FLOAT16 not in weights
    np.testing.assert_allclose(answers(made), in_its_weights(torch.float32, made), atol=2e-4)


class Noise(CalibrationDataReader):
    """Images to find ranges on."""

    def __init__(self, name: str) -> None:
        random = np.random.default_rng(0)
        shape = tuple(elsewhere.example().shape)
        self.left = iter({name: random.standard_normal(shape, np.float32)} for _ in range(8))

    def get_next(self):
        return next(self.left, None)


def quantized(folder: Path, form: QuantFormat) -> Path:
    """Quantize by ONNX Runtime's own tool, with its defaults."""
    source, out = elsewhere.onnx_file(folder / "n.onnx"), folder / "int8.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_static(source, out, Noise(onnx.load(source).graph.input[0].name), form)
    return out


@pytest.mark.parametrize("form", list(QuantFormat), ids=lambda form: form.name)
def test_integers_of_another_tool(form: QuantFormat, taken, tmp_path: Path) -> None:
    made, _ = taken(quantized(tmp_path, form))
    logits = run(tmp_path / "int8.onnx", normalise(elsewhere.pictures(), made.manifest.image))
    np.testing.assert_allclose(answers(made), 1 / (1 + np.exp(-logits)), atol=1e-6)
    measured, single = made.manifest.measurements, tmp_path / "n.onnx"
    assert made.manifest.precision == "int8"
    assert measured.params == count_params(single)
    whole = form == QuantFormat.QDQ  # the shapes of the other one's operators are not ONNX's own
    assert measured.macs == (count_macs(single) if whole else None)


def test_integers_with_scales_in_half_precision(taken, tmp_path: Path) -> None:
    file = quantized(tmp_path, QuantFormat.QDQ)
    onnx.save(convert_float_to_float16(onnx.load(file)), tmp_path / "half.onnx")
    made, said = taken(tmp_path / "half.onnx")
    assert "taken in float32" in said
    logits = run(file, normalise(elsewhere.pictures(), made.manifest.image))
    np.testing.assert_allclose(answers(made), 1 / (1 + np.exp(-logits)), atol=0.02)


def graph_of(dtype: int, *nodes: onnx.NodeProto, inside: int) -> onnx.ModelProto:
    ports = [helper.make_tensor_value_info(name, dtype, [1, 3]) for name in ("image", "made")]
    weight = helper.make_tensor("w", inside, [3], [0.5, 1.5, 70000.0])
    graph = helper.make_graph(list(nodes), "g", ports[:1], ports[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_branches_constants_and_casts_are_in_single_precision_too() -> None:
    """A weight of 16 bits in a branch, and one in a node: all that would clash with the rest."""
    half = TensorProto.FLOAT16
    value = numpy_helper.from_array(np.float16([2]), "v")
    branch = helper.make_graph(
        [
            helper.make_node("Constant", [], ["two"], value=value),
            helper.make_node("Cast", ["image"], ["narrow"], to=half),
            helper.make_node("Mul", ["narrow", "two"], ["twice"]),
        ],
        "branch",
        [],
        [helper.make_tensor_value_info("twice", half, None)],
    )
    always = numpy_helper.from_array(np.array(True), "c")
    model = graph_of(
        TensorProto.FLOAT,
        helper.make_node("Constant", [], ["yes"], value=always),
        helper.make_node("If", ["yes"], ["wide"], then_branch=branch, else_branch=branch),
        helper.make_node("Cast", ["wide"], ["made"], to=TensorProto.FLOAT),
        inside=TensorProto.FLOAT,
    )
    model.graph.value_info.append(helper.make_tensor_value_info("wide", half, None))
    assert in_single(model) == ("float16",)
    onnx.checker.check_model(model, full_check=True)
    assert in_single(model) == ()


def test_double_precision_inside_single_is_left() -> None:
    wide = TensorProto.DOUBLE
    nodes = (
        helper.make_node("Cast", ["image"], ["wide"], to=wide),
        helper.make_node("Mul", ["wide", "w"], ["long"]),
        helper.make_node("Cast", ["long"], ["made"], to=TensorProto.FLOAT),
    )
    model = graph_of(TensorProto.FLOAT, *nodes, inside=wide)
    before = model.SerializeToString()
    assert (in_single(model), model.SerializeToString()) == ((), before)
