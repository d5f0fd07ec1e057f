"""A calibrated model on its way to a file: scaled once, by the file's own scores, parity kept."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import onnx
import pytest
import torch
from export_helpers import LABELS, SPEC, fit_classifier, run, store
from export_network import tiny
from PIL import Image
from scipy.special import expit

from benchmarks import thresholds
from benchmarks.evaluation.evaluation import EvalSettings
from benchmarks.runtimes import torch_
from compress.learning.teachers.exported import OnnxTeacher
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import load_eval
from edgepress.core.scaling import coefficients
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.pixels import decoded, normalise
from edgepress.data.random_split import default_split
from export.graph import metadata
from models.onnx_graph import scaling
from models.stored import load_network

COMMON = ("--calibration-images", 16, "--target", "cpu-vnni", "--emulate", 0, "--budget", 0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """200 photographs whose labels are what they look like, but for chance."""
    folder = tmp_path_factory.mktemp("noisy")
    random = np.random.default_rng(0)
    rows = ["image," + ",".join(LABELS)]
    for number in range(200):
        looks = random.normal(0, 1, 3)
        pixels = random.integers(0, 60, (32, 32, 3)) + 80 + 30 * looks[0]
        pixels[..., 0] += 25 * looks[1]
        pixels[::4] += 25 * looks[2]
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03d}.png")
        labels = random.random(3) < expit(1.5 * looks)
        rows.append(",".join([f"{number:03d}.png", *map(str, labels.astype(int))]))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def data(photos: Path) -> Dataset:
    return open_data(str(photos))


@pytest.fixture(scope="module")
def sure(tmp_path_factory, data: Dataset) -> Artifact:
    """The tiny network with a classifier that is right and twice too sure."""
    network = tiny(len(LABELS))
    fit_classifier(network, normalise(decoded(data, SPEC)[:], SPEC), data.targets)
    with torch.no_grad():
        network.classifier.weight *= 2
        network.classifier.bias.mul_(2).add_(0.5)
    made = store(tmp_path_factory.mktemp("sure") / "sure", network, data)
    split = default_split(data, test_share=0.4, val_share=0.4)
    reference = made.manifest.data.model_copy(update={"split": split})
    return rewritten(made, data=reference)


@pytest.fixture(scope="module")
def calibrated(sure: Artifact, data: Dataset, tmp_path_factory) -> Artifact:
    """The same, as a stage leaves it that was told `--calibrate platt`."""
    wanted = thresholds.Learning(thresholds.ThresholdSettings(), "platt")
    rows = context_of(data, sure).rows("val")
    labels = thresholds.learnt(sure, data, rows, EvalSettings(provider="torch"), wanted)
    folder = Path(copytree(sure.path, tmp_path_factory.mktemp("calibrated") / "calibrated"))
    copy = replace(sure, path=folder)
    return rewritten(copy, labels=labels.manifest.labels, id="calibrated")


def rewritten(model: Artifact, **fields: object) -> Artifact:
    manifest = model.manifest.model_copy(update=fields)
    (model.path / "manifest.json").write_text(manifest.model_dump_json())
    return replace(model, manifest=manifest)


@pytest.fixture(scope="module")
def images(data: Dataset) -> np.ndarray:
    return normalise(decoded(data, SPEC)[:], SPEC)


def unscaled(model: Artifact, images: np.ndarray, tmp_path: Path) -> np.ndarray:
    """Return what a file gives with its scaling taken out."""
    copy = tmp_path / f"{model.name}-unscaled.onnx"
    copy.write_bytes(model.weights.read_bytes())
    scaling.remove(copy)
    return run(copy, images)


def test_a_torch_model_is_scaled_when_it_is_run_and_teaches_unscaled(
    sure: Artifact, calibrated: Artifact, images: np.ndarray
):
    with torch.no_grad():
        logits = [load_network(one)(torch.from_numpy(images)).numpy() for one in (sure, calibrated)]
    assert (logits[0] == logits[1]).all(), "what teaches a student is not calibrated"
    slopes, offsets = coefficients(calibrated.manifest.labels.calibration.scalings)
    assert 1 not in slopes
    found = torch_.open_session(calibrated, 1).run(images)
    np.testing.assert_allclose(found, expit(logits[0] * slopes + offsets), atol=1e-5)
    raw = torch_.open_session(sure, 1).run(images)
    np.testing.assert_allclose(raw, expit(logits[0]), atol=1e-5)


def test_an_fp32_file_takes_the_scaling_over_and_an_int8_file_fits_its_own(
    calibrated: Artifact, photos: Path, images: np.ndarray, tmp_path: Path, command
):
    fp32, int8 = tmp_path / "fp32", tmp_path / "int8"
    gates = ("--gate", "parity <= 1e-3", "flipped <= 0.002", "ece <= 0.5")
    done = command(
        "export.onnx", "--model", calibrated.path, "--data", photos, "--out", fp32, *COMMON, *gates
    )
    assert done.code == 0, done.err
    first = artifacts.load(fp32)
    labels = first.manifest.labels
    assert labels == calibrated.manifest.labels
    assert metadata.read(first.weights).labels == labels
    given = torch_.open_session(calibrated, 1).run(images)
    np.testing.assert_allclose(run(first.weights, images), given, atol=1e-5)
    with torch.no_grad():
        logits = load_network(calibrated)(torch.from_numpy(images)).numpy()
    taught = OnnxTeacher(first)(torch.from_numpy(images)).numpy()
    told = np.abs(logits) < 6
    assert told.mean() > 0.7
    np.testing.assert_allclose(taught[told], logits[told], atol=1e-2, rtol=1e-3)

    gates = ("--gate", "map >= 0.5", "flipped <= 0.2", "agreement >= 0.5")
    done = command(
        "export.onnx", "--model", fp32, "--quantize", "int8", "--data", photos, "--out", int8,
        *COMMON, *gates,
    )  # fmt: skip
    assert done.code == 0, done.err
    second = artifacts.load(int8)
    own = second.manifest.labels.calibration
    assert own.method == "platt"
    assert own != labels.calibration, "fitted again"
    raw = unscaled(second, images, tmp_path)
    found, expected = run(second.weights, images), thresholds.scaled(raw, own.scalings)
    told = raw < 0.999  # nearer to 1 a float32 does not tell the logit
    assert told.mean() > 0.7
    np.testing.assert_allclose(found[told], expected[told], atol=5e-5)
    operators = [node.op_type for node in onnx.load(second.weights).graph.node]
    assert operators[-3:] == ["Mul", "Add", "Sigmoid"]
    assert second.manifest.measurements.parity_max_prob_diff == pytest.approx(
        np.abs(raw - unscaled(first, images, tmp_path))[rows(first, images)].max(), abs=1e-4
    )
    assert "note: calibration of bright: slope" in done.err
    assert load_eval(int8 / "eval.npz").ece < 0.2


def rows(model: Artifact, images: np.ndarray) -> np.ndarray:
    """Return which images are in the validation part, on which parity is taken."""
    source = open_data(model.manifest.data.source)
    val = set(model.manifest.data.split.val)
    return np.array([image_id in val for image_id in source.image_ids])


def test_an_export_may_calibrate_keep_ap_and_stop_calibrating(
    sure: Artifact, photos: Path, tmp_path: Path, command
):
    made = {}
    start = sure.path
    for method in ("none", "temperature"):
        out = tmp_path / method
        done = command(
            "export.onnx", "--model", start, "--data", photos, "--out", out, *COMMON,
            "--calibrate", method, "--gate", "parity <= 1e-3",
        )  # fmt: skip
        assert done.code == 0, done.err
        made[method] = artifacts.load(out)
    back = tmp_path / "back"
    done = command(
        "export.onnx", "--model", made["temperature"].path, "--quantize", "int8_weights", "--data",
        photos, "--out", back, *COMMON, "--calibrate", "none", "--gate", "flipped <= 0.1",
    )  # fmt: skip
    assert done.code == 0, done.err
    labels = made["temperature"].manifest.labels
    assert labels.calibration.method == "temperature"
    assert labels.thresholds != sure.manifest.labels.thresholds
    assert artifacts.load(back).manifest.labels.calibration is None
    assert not scaling.is_scaled(back / "model.onnx")
    results = {name: load_eval(one.path / "eval.npz") for name, one in made.items()}
    assert results["none"].ap == results["temperature"].ap, "bit for bit"
    assert results["temperature"].ece < results["none"].ece
    decided = [
        results[name].scores[0] >= np.float32(one.manifest.labels.thresholds)
        for name, one in made.items()
    ]
    assert (decided[0] == decided[1]).all(), "thresholds that nobody learnt go with the scale"


def test_a_scaling_that_cannot_be_taken_out_is_not_put_on_another(
    calibrated: Artifact, sure: Artifact, photos: Path, tmp_path: Path, command
):
    folder = tmp_path / "odd"
    work = tmp_path / "work"
    work.mkdir()
    from models.onnx_graph.write import to_onnx

    to_onnx(load_network(sure), SPEC, work / "model.onnx")
    odd = calibrated.manifest.model_copy(update={"kind": "onnx", "files": {}})
    artifacts.save(folder, work, odd)
    done = command(
        "export.onnx", "--model", folder, "--quantize", "int8", "--data", photos,
        "--out", tmp_path / "made", *COMMON,
    )  # fmt: skip
    assert done.code == 2
    assert "calibrated" in done.err
    assert json.loads((folder / "manifest.json").read_text())["labels"]["calibration"]
    assert not (tmp_path / "made").exists()
