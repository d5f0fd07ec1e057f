"""What is loaded answers as it did when it was measured, or is refused."""

import csv
import json
import shutil
import sys
from pathlib import Path

import made_data
import numpy as np
import pytest
import torch

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import probe
from edgepress.data.dataset import open_data
from models import stored
from models.defaults import ZOO_TEACHER
from models.stored import load_network

SPEC = ImageSpec(height=40, width=48)
FACTORY = """
import torch
from torch import nn

class Pool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

def build(num_classes):
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), Pool(), nn.Linear(8, num_classes))
"""  # noqa: E501


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a user's factory, which may be edited."""
    file = tmp_path / "probed_factory.py"
    file.write_text(FACTORY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield file
    sys.modules.pop("probed_factory", None)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = made_data.photos_of_noise(tmp_path / "photos", 24)
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["image", "a", "b"])
        csv.writer(file).writerows([f"{n}.png", n % 2, int(n % 3 == 0)] for n in range(24))
    return folder


@pytest.fixture
def trained(factory: Path, photos: Path, tmp_path: Path, command) -> Path:
    out = tmp_path / "model"
    done = command(
        "compress.train", "--data", photos, "--out", out, "--arch", "probed_factory:build",
        "--weights", "random", "--image-size", 32, "--epochs", 1, "--batch-size", 4,
        "--gate", "map >= 0",
    )  # fmt: skip
    assert done.code == 0, done.err
    return out


def edit(factory: Path, before: str, after: str) -> None:
    text = factory.read_text()
    assert before in text
    factory.write_text(text.replace(before, after))
    sys.modules.pop("probed_factory", None)


def test_the_same_network_is_loaded(trained: Path, capfd):
    load_network(artifacts.load(trained))
    assert "stores no answers" not in capfd.readouterr().err
    assert artifacts.load(trained).file(probe.PROBE_FILE)
    assert (trained / probe.PROBE_FILE).stat().st_size < 32_000


def test_one_edited_line_is_refused(trained: Path, photos: Path, factory: Path, command, tmp_path):
    """The mean over places becomes the least value; every weight still fits."""
    edit(factory, "x.mean((2, 3))", "x.amin((2, 3))")
    with pytest.raises(UserError, match=r"not the one that was measured.*4 stored images"):
        load_network(artifacts.load(trained))
    out = tmp_path / "out"
    base = ["--model", trained, "--data", photos]
    narrower = ("--macs", 0.9, "--round-to", 1, "--batch-size", 2)
    for words in (
        ("export.onnx", *base, "--out", out),
        ("compress.prune", *base, "--out", out, *narrower),
        ("benchmarks.accuracy", *base),
    ):
        done = command(*words)
        assert done.code == 2, done.err
        assert "not the one that was measured" in done.err
        assert not out.exists()
    edit(factory, "x.amin((2, 3))", "x.flatten(2).mean(2)")  # the same, in other words
    load_network(artifacts.load(trained))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.ReLU()", "nn.GELU()"),
        ("nn.BatchNorm2d(8)", "nn.BatchNorm2d(8, eps=0.01)"),
        ("nn.Conv2d(3, 8, 3)", "nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect')"),
        ("Pool(), nn.Linear(8", "nn.Sequential(Pool(), nn.Tanh()), nn.Linear(8"),
    ],
)
def test_a_block_that_a_new_version_of_a_library_changes_is_refused(
    trained: Path, factory: Path, before: str, after: str
):
    edit(factory, before, after)
    with pytest.raises(UserError, match="not the one that was measured"):
        load_network(artifacts.load(trained))


def test_a_changed_layer_of_timm_is_refused_in_the_shipped_teacher(monkeypatch):
    """As an upgraded timm may bring: the same names and shapes, another activation."""
    teacher = artifacts.load(ZOO_TEACHER)
    load_network(teacher)
    relu6 = torch.nn.ReLU6.forward
    monkeypatch.setattr(torch.nn.ReLU6, "forward", lambda self, x: relu6(self, x) * 1.01)
    with pytest.raises(UserError, match="not the one that was measured"):
        load_network(teacher)


def test_versions_that_differ_are_named(trained: Path, factory: Path):
    model = artifacts.load(trained)
    versions = model.manifest.environment["versions"] | {"timm": "0.0.1"}
    environment = model.manifest.environment | {"versions": versions}
    older = model.manifest.model_copy(update={"environment": environment})
    edit(factory, "x.mean((2, 3))", "x.amin((2, 3))")
    with pytest.raises(UserError, match=r"timm was 0\.0\.1, is "):
        load_network(Artifact(model.path, older))


def test_weights_of_another_training_are_refused(trained: Path, tmp_path: Path):
    """A manifest with another's weights, whose hashes are right."""
    model = artifacts.load(trained)
    work = Path(shutil.copytree(trained, tmp_path / "work"))
    network = stored.load_network(model)
    with torch.no_grad():
        network[4].bias += 0.01
    stored.save_network(network, work)
    (work / "manifest.json").unlink()
    other = artifacts.save(tmp_path / "other", work, model.manifest)
    with pytest.raises(UserError, match="not the one that was measured"):
        load_network(other)


def test_without_stored_answers_it_is_said_once(trained: Path, tmp_path: Path, capfd):
    model = artifacts.load(trained)
    work = Path(shutil.copytree(trained, tmp_path / "work"))
    for name in (probe.PROBE_FILE, "manifest.json"):
        (work / name).unlink()
    old = artifacts.save(tmp_path / "old", work, model.manifest)
    capfd.readouterr()
    load_network(old)
    load_network(old)
    assert capfd.readouterr().err.count("stores no answers") == 1


def test_a_file_answers_as_when_it_was_measured(trained: Path, photos: Path, tmp_path, command):
    out = tmp_path / "fp32"
    assert command("export.onnx", "--model", trained, "--data", photos, "--out", out).code in (0, 4)
    model, data = artifacts.load(out), open_data(str(photos))
    rows = np.arange(4)
    evaluate(model, data, rows, EvalSettings())
    with np.load(out / probe.PROBE_FILE) as told:
        images, said = told["images"], told["answers"]
    assert ((said >= 0) & (said <= 1)).all()
    np.savez_compressed(out / probe.PROBE_FILE, images=images, answers=said + np.float32(0.002))
    with pytest.raises(UserError, match="the runtime, with the same file"):
        evaluate(model, data, rows, EvalSettings())
    (out / probe.PROBE_FILE).write_bytes(b"")
    with pytest.raises(UserError, match="cannot be read"):
        evaluate(model, data, rows, EvalSettings())


def answering(values: np.ndarray):
    return lambda _images: np.asarray(values, np.float32)


@pytest.mark.parametrize(("moved", "fits"), [(0.0, True), (0.9e-4, True), (1.1e-4, False)])
@pytest.mark.parametrize("largest", [0.5, 1.0, 30.0])
def test_the_tolerance_is_a_share_of_the_largest_answer(
    trained: Path, moved: float, fits: bool, largest: float
):
    model = artifacts.load(trained)
    small = np.zeros((2, 32, 32, 3), np.uint8)
    probe.write(answering([[largest, 0], [0, 0]]), small, SPEC, trained)
    said = answering([[largest, 0], [0, moved * max(1.0, largest)]])
    if fits:
        probe.check(said, model)
    else:
        with pytest.raises(UserError, match="not the one that was measured"):
            probe.check(said, model)


@pytest.mark.parametrize("value", [[[np.nan, 0.0]], [[0.0, 0.0, 0.0]], [[0.0]]])
def test_answers_that_are_none_are_refused(trained: Path, value: list[list[float]]):
    small = np.zeros((1, 32, 32, 3), np.uint8)
    probe.write(answering([[0.0, 0.0]]), small, SPEC, trained)
    with pytest.raises(UserError, match="not the one that was measured"):
        probe.check(answering(value), _unverified(trained))


def _unverified(path: Path) -> Artifact:
    """Return an artifact whose stored answers were changed on purpose."""
    raw = json.loads((path / "manifest.json").read_text())
    return Artifact(path, artifacts.Manifest.model_validate(raw))


def test_the_network_sees_the_stored_pixels_repeated():
    small = np.arange(2 * 32 * 32 * 3, dtype=np.int64).reshape(2, 32, 32, 3).astype(np.uint8)
    seen = probe.inputs(small, ImageSpec(height=64, width=96, mean=(0, 0, 0), std=(1, 1, 1)))
    assert seen.shape == (2, 3, 64, 96)
    np.testing.assert_allclose(seen[1, 2, ::2, ::3] * 255, small[1, :, :, 2], atol=1e-4)
    np.testing.assert_array_equal(seen[:, :, 1::2], seen[:, :, ::2])
