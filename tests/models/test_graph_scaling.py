"""A calibration in an ONNX graph: what it computes, and that it is put in once and comes out."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import COLOURS, SIZE, write_onnx
from export_helpers import run
from onnx import TensorProto, helper
from scipy.special import expit, logit

from edgepress.core.errors import UserError
from edgepress.core.scaling import Scaling
from export.making.fp16 import to_fp16
from models.onnx_graph import scaling

SCALINGS = (Scaling(slope=0.5, offset=0.3), None)
OTHERS = (Scaling(slope=2.0), Scaling(slope=0.7, offset=-1))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 2, (200, 3, SIZE, SIZE)).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_onnx(tmp_path / "model.onnx", COLOURS)
    return tmp_path / "model.onnx"


def by_hand(raw: np.ndarray) -> np.ndarray:
    return np.stack([expit(0.5 * logit(raw[:, 0].astype(float)) + 0.3), raw[:, 1]], axis=1)


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def test_logits_are_scaled_and_the_order_of_images_stays(model: Path, images: np.ndarray):
    raw = run(model, images)
    assert not scaling.is_scaled(model)
    scaling.write(model, SCALINGS)
    assert scaling.is_scaled(model)
    found = run(model, images)
    np.testing.assert_allclose(found, by_hand(raw), atol=1e-6)
    assert (found[:, 1] == raw[:, 1]).all(), "bit for bit"
    assert (np.argsort(found[:, 0]) == np.argsort(raw[:, 0])).all()


def test_a_second_scaling_takes_the_place_of_the_first(model: Path, images: np.ndarray):
    raw = run(model, images)
    scaling.write(model, OTHERS)
    scaling.write(model, SCALINGS)
    scaling.write(model, SCALINGS)
    np.testing.assert_allclose(run(model, images), by_hand(raw), atol=1e-6)
    assert operators(model).count("Mul") == 1


def test_taken_out_it_leaves_the_network_as_it_was(model: Path, images: np.ndarray):
    raw, before = run(model, images), operators(model)
    scaling.write(model, SCALINGS)
    scaling.remove(model)
    assert (run(model, images) == raw).all()
    assert operators(model) == before
    assert not scaling.is_scaled(model)
    assert not [one.name for one in onnx.load(model).graph.initializer if "edgepress" in one.name]


def test_nothing_to_do_leaves_the_file_alone(model: Path):
    before = model.read_bytes()
    scaling.remove(model)
    scaling.write(model, (None, None))
    assert model.read_bytes() == before


def test_a_half_precision_file_is_scaled_in_float32(
    model: Path, images: np.ndarray, tmp_path: Path
):
    half = tmp_path / "half.onnx"
    to_fp16(model, half)
    raw = run(half, images)
    scaling.write(half, SCALINGS)
    assert operators(half)[-4:] == ["Cast", "Mul", "Add", "Sigmoid"]
    np.testing.assert_allclose(run(half, images), by_hand(raw), atol=3e-3)
    scaling.write(half, OTHERS)
    scaling.remove(half)
    np.testing.assert_allclose(run(half, images), raw, atol=1e-3)


def test_probabilities_that_no_sigmoid_makes_are_scaled_too(model: Path, images: np.ndarray):
    graph = onnx.load(model)
    graph.graph.node[-1].output[0] = "own"
    graph.graph.node.append(helper.make_node("Identity", ["own"], ["probs"]))
    onnx.save(graph, model)
    raw = run(model, images)
    scaling.write(model, SCALINGS)
    np.testing.assert_allclose(run(model, images), by_hand(raw), atol=1e-6)
    scaling.write(model, SCALINGS)
    np.testing.assert_allclose(run(model, images), by_hand(raw), atol=1e-6)
    scaling.remove(model)
    np.testing.assert_allclose(run(model, images), raw, atol=1e-6)


def test_another_type_of_output_is_refused_and_the_file_stays(model: Path):
    graph = onnx.load(model)
    graph.graph.node[-1].output[0] = "own"
    graph.graph.node.append(helper.make_node("Cast", ["own"], ["probs"], to=TensorProto.DOUBLE))
    graph.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    onnx.save(graph, model)
    before = model.read_bytes()
    with pytest.raises(UserError, match="float32"):
        scaling.write(model, SCALINGS)
    assert model.read_bytes() == before
