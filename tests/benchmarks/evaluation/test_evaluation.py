"""Evaluating a model on images, storing the result, and refusing what does not fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, LABELS, MakeModel, write_onnx
from sklearn.metrics import average_precision_score

from benchmarks import thresholds
from benchmarks.evaluation import evaluation
from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.evaluation.evaluation import EvalSettings
from edgepress.core import artifact as artifacts
from edgepress.core import eval_file
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef, Split
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data

ONE_THREAD = EvalSettings(threads=1)


def flipped(colours: Path) -> Dataset:
    """Return the data set with a second view."""
    dataset = open_data(str(colours))
    return replace(dataset, table=replace(dataset.table, views=("identity", "flip-identity")))


def test_metrics_are_those_of_the_scores(make_model: MakeModel, colours: Path) -> None:
    dataset = flipped(colours)
    rows = np.arange(5, 75)
    head = COLOURS + np.array([[0, 0], [0, 0.1], [0, 0.9]], np.float32)
    result = evaluation.evaluate(make_model("model", head), dataset, rows, ONE_THREAD)
    assert result.scores.shape == (2, 70, 2)
    assert result.image_ids == dataset.image_ids[5:75]
    wanted = [
        average_precision_score(dataset.targets[rows, label], result.scores[0, :, label])
        for label in range(2)
    ]
    # A mean of colours does not see a flip, so both views are alike.
    assert list(result.ap.values()) == pytest.approx(wanted)
    assert result.map == pytest.approx(np.mean(wanted))
    assert result.ap["red"] > result.ap["green"]
    assert 0 < result.f1_macro <= 1
    assert 0 < result.ece < 0.5


def test_threads_change_nothing(make_model: MakeModel, colours: Path) -> None:
    dataset, model = open_data(str(colours)), make_model("model", convs=1)
    rows = np.arange(80)
    one, two = (
        evaluation.evaluate(model, dataset, rows, EvalSettings(threads=threads)).scores
        for threads in (1, 2)
    )
    assert (one == two).all()


def test_storing_keeps_everything(make_model: MakeModel, colours: Path, tmp_path: Path) -> None:
    rows = np.arange(40)
    result = evaluation.evaluate(make_model("m"), open_data(str(colours)), rows, ONE_THREAD)
    eval_file.save_eval(result, tmp_path)
    stored = eval_file.load_eval(tmp_path / "eval.npz")
    assert (stored.scores == result.scores).all()
    assert np.array_equal(stored.targets, result.targets)
    arrays = {"scores", "targets"}
    assert stored.model_dump(exclude=arrays) == result.model_dump(exclude=arrays)


def test_damaged_store(tmp_path: Path) -> None:
    (tmp_path / "eval.npz").write_bytes(b"nothing")
    for path in (tmp_path / "eval.npz", tmp_path / "missing.npz"):
        with pytest.raises(UserError, match="cannot be read"):
            eval_file.load_eval(path)
    np.savez(tmp_path / "objects.npz", text=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="cannot be read"):
        eval_file.load_eval(tmp_path / "objects.npz")


def test_stored_result_is_used_for_the_same_images_only(
    make_model: MakeModel, colours: Path, tmp_path: Path
) -> None:
    dataset, model = open_data(str(colours)), make_model("model")
    rows = np.arange(40)
    marked = evaluation.evaluate(model, dataset, rows, ONE_THREAD).model_copy(update={"map": 0.123})
    eval_file.save_eval(marked, model.path)
    model = artifacts.save(tmp_path / "with-eval", model.path, model.manifest)
    same = evaluation.stored_or_evaluated(model, dataset, rows, ONE_THREAD)
    other = evaluation.stored_or_evaluated(model, dataset, rows[1:], ONE_THREAD)
    assert same.map == 0.123
    assert other.map > 0.9


@pytest.mark.parametrize(
    ("change", "reused"),
    [
        ({}, True),
        ({"provider_asked": "openvino", "provider_opened": "OpenVINO:CPU"}, False),
        ({"cpu": "AMD EPYC (AVX2)"}, False),
        ({"provider_asked": None, "provider_opened": None, "cpu": None}, False),
    ],
    ids=["the same", "another runtime", "another CPU", "not known"],
)
def test_stored_result_is_used_where_it_was_measured_so(
    make_model: MakeModel, colours: Path, tmp_path: Path, change: dict[str, object], reused: bool
) -> None:
    dataset, model, rows = open_data(str(colours)), make_model("model"), np.arange(40)
    found = evaluation.evaluate(model, dataset, rows, ONE_THREAD)
    assert (found.provider_asked, found.provider_opened) == ("cpu", "CPUExecutionProvider")
    eval_file.save_eval(found.model_copy(update={"map": 0.123, **change}), model.path)
    model = artifacts.save(tmp_path / "with-eval", model.path, model.manifest)
    again = evaluation.stored_or_evaluated(model, dataset, rows, ONE_THREAD)
    assert (again.map == 0.123) is reused
    assert again.cpu == this_cpu().shown


def test_fewer_views_are_another_result(
    make_model: MakeModel, colours: Path, tmp_path: Path
) -> None:
    dataset, model, rows = flipped(colours), make_model("model"), np.arange(40)
    marked = evaluation.evaluate(model, dataset, rows, ONE_THREAD).model_copy(update={"map": 0.123})
    eval_file.save_eval(marked, model.path)
    model = artifacts.save(tmp_path / "with-eval", model.path, model.manifest)
    one_view = ONE_THREAD.model_copy(update={"views": 1})
    found = evaluation.stored_or_evaluated(model, dataset, rows, one_view)
    assert found.view_names == ("identity",)
    assert found.map > 0.9
    more_than_there_are = ONE_THREAD.model_copy(update={"views": 5})
    assert evaluation.stored_or_evaluated(model, dataset, rows, more_than_there_are).map == 0.123


def test_labels_must_be_those_of_the_data(make_model: MakeModel, colours: Path) -> None:
    dataset = open_data(str(colours))
    dataset = replace(dataset, table=replace(dataset.table, label_names=("red", "blue")))
    with pytest.raises(UserError, match=r"green only in the model.*blue only in the data"):
        evaluation.evaluate(make_model("model"), dataset, np.arange(4), ONE_THREAD)


def test_probabilities_that_are_not_finite(make_model: MakeModel, colours: Path) -> None:
    model = make_model("model", np.full((3, 2), np.nan, np.float32))
    with pytest.raises(UserError, match="not finite"):
        evaluation.evaluate(model, open_data(str(colours)), np.arange(4), ONE_THREAD)


def test_the_models_own_split_is_used(make_model: MakeModel, colours: Path) -> None:
    dataset, model = open_data(str(colours)), make_model("model")
    ids = dataset.image_ids
    split = Split(train=ids[:40], val=ids[40:50], test=ids[50:])
    data = DataRef(source="colours", fingerprint=dataset.fingerprint, split=split)
    trained = Artifact(model.path, model.manifest.model_copy(update={"data": data}))
    assert context_of(dataset, trained).rows("test").tolist() == list(range(50, 80))
    assert len(context_of(dataset, model).rows("test")) not in (0, 30)


def test_a_result_names_the_part_that_its_images_are_of(
    make_model: MakeModel, colours: Path
) -> None:
    """And no other, since nobody says it a second time; not even of some of them."""
    dataset, model = open_data(str(colours)), make_model("model")
    context = context_of(dataset, model)
    for part in ("val", "test"):
        some = context.images(part).take(slice(3))
        found = evaluation.evaluate(model, dataset, some, ONE_THREAD)
        assert found.data_id == f"{dataset.fingerprint}:{part}"
    found = evaluation.evaluate(model, dataset, context.rows("test"), ONE_THREAD)
    assert found.data_id == f"{dataset.fingerprint}:some"
    found = thresholds.on_validation(model, dataset, context.rows("val"), ONE_THREAD)
    assert found.data_id == f"{dataset.fingerprint}:val"


def test_bare_onnx_file_says_itself_what_it_is(tmp_path: Path) -> None:
    write_onnx(tmp_path / "colours.onnx", COLOURS)
    model = open_model(tmp_path / "colours.onnx")
    assert (model.name, model.manifest.id) == ("colours", "colours")
    assert model.weights == tmp_path / "colours.onnx"
    assert model.manifest.labels == LABELS
    assert (model.manifest.precision, model.manifest.kind) == ("fp32", "onnx")


def test_bare_onnx_file_that_says_nothing(tmp_path: Path) -> None:
    import onnx

    write_onnx(tmp_path / "model.onnx", COLOURS)
    silent = onnx.load(tmp_path / "model.onnx")
    del silent.metadata_props[:]
    onnx.save(silent, tmp_path / "silent.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"\xff" * 100)
    for name, message in (
        ("silent.onnx", "edgepress.labels, edgepress.image"),
        ("junk.onnx", "Not an ONNX model"),
        ("missing.onnx", "no such model"),
        ("folder", "Not an artifact"),
    ):
        with pytest.raises(UserError, match=message):
            open_model(tmp_path / name)


def test_names_are_unique(make_model: MakeModel) -> None:
    one, two = make_model("one"), make_model("two")
    assert unique_names((one, two)) == ("one", "two")
    assert len(set(unique_names((one, one, two)))) == 3
