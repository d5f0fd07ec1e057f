"""An output that is not one probability per label is refused wherever a model is run."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from colours import COLOURS, LABELS, SIZE, write_onnx
from onnx import helper

from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import probabilities
from benchmarks.runtimes import _contract, _session
from benchmarks.runtimes._contract import Port
from benchmarks.runtimes.torch_ import TorchSession
from compress.learning.teachers.exported import OnnxTeacher
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult

IMAGE = Port("tensor(float)", [1, 3, SIZE, SIZE])
WRONG = "one probability per label"


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    write_onnx(tmp_path / "model.onnx", COLOURS)
    return open_model(tmp_path / "model.onnx")


def narrowed(model: Artifact) -> Artifact:
    """Let the file return the first label only, without telling its shape."""
    graph = onnx.load(model.weights)
    for name, value in (("zero", 0), ("one", 1)):
        graph.graph.initializer.append(helper.make_tensor(name, 7, [1], [value]))
    graph.graph.node[-1].output[0] = "both"
    graph.graph.node.append(helper.make_node("Slice", ["both", "zero", "one", "one"], ["probs"]))
    graph.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "labels"
    onnx.save(graph, model.weights)
    return model


@pytest.mark.parametrize(
    "shape", [[1, 1], [1, 3], [2], [1, 2, 1], [1, 1, 2], [1, 2, 1, 1], ["n", 1]]
)
def test_a_shape_that_is_declared_is_refused_on_opening(model: Artifact, shape: list):
    with pytest.raises(UserError, match=WRONG):
        _contract.check(model, [IMAGE], Port("tensor(float)", shape))


@pytest.mark.parametrize("shape", [[1, 2], ["n", 2], [None, None], []])
def test_one_that_may_fit_is_opened(model: Artifact, shape: list):
    assert _contract.check(model, [IMAGE], Port("tensor(float)", shape)) is None


@pytest.mark.parametrize("runtime", ["cpu", "openvino"])
def test_a_file_that_answers_one_column_is_refused(model: Artifact, runtime: str):
    if runtime not in _session.names_available():
        pytest.skip(f"no {runtime}")
    with pytest.raises(UserError, match=WRONG):
        _session.find(runtime).open_session(narrowed(model), 1)


def test_an_answer_of_another_shape_is_refused_whatever_gave_it(model: Artifact):
    class Session:
        def run(self, images: np.ndarray) -> np.ndarray:
            return np.zeros(shape, np.float32)

    pixels = np.zeros((3, SIZE, SIZE, 3), np.uint8)
    shape = (3, 2)
    assert probabilities(Session(), model, ("identity",), pixels).shape == (1, 3, 2)
    for shape in ((3, 1), (1, 2), (2,), (3, 2, 1)):  # noqa: B007
        with pytest.raises(UserError, match=rf"{WRONG}.*\[3, 2\]"):
            probabilities(Session(), model, ("identity",), pixels)


def test_a_teacher_that_answers_one_column_is_refused(model: Artifact):
    with pytest.raises(UserError, match=WRONG):
        OnnxTeacher(narrowed(model))(torch.zeros(3, 3, SIZE, SIZE))


def test_a_network_that_answers_one_column_is_refused():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIZE * SIZE, 1))
    session = TorchSession(network, batch=32, threads=1, scalings=LABELS.scalings)
    with pytest.raises(UserError, match=r"one logit per label.*\[3, 1\].*\[3, 2\]"):
        session.run(np.zeros((3, 3, SIZE, SIZE), np.float32))


@pytest.mark.parametrize("field", ["scores", "targets"])
def test_a_result_holds_one_number_per_image_and_label(field: str):
    whole = {"scores": np.zeros((1, 3, 2), np.float32), "targets": np.zeros((3, 2), np.float32)}
    named = {
        "data_id": "d", "label_names": ("a", "b"), "image_ids": ("x", "y", "z"),
        "view_names": ("identity",), "ap": {}, "map": None, "f1_macro": None, "ece": None,
    }  # fmt: skip
    assert EvalResult(**named, **whole).map is None
    with pytest.raises(ValueError, match=field):
        EvalResult(**named, **(whole | {field: whole[field][..., :1]}))
