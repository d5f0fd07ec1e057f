"""Calibration of a model: which labels, what it leaves as it was, and that it happens once."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import COLOURS, SPEC, paint, write_onnx
from colours import LABELS as PLAIN
from scipy.special import expit
from sklearn.metrics import log_loss

from benchmarks import metrics, thresholds
from benchmarks.thresholds import calibration, effect, scaled
from benchmarks.thresholds.calibrating import carried
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import load_eval
from edgepress.core.labels import Labels
from edgepress.core.manifest import DataRef, Manifest
from edgepress.core.scaling import Scaling, inverses
from edgepress.data.dataset import open_data
from edgepress.data.random_split import default_split

RUN = "benchmarks.thresholds.__main__"


def problem(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and probabilities `[n, 2]` of a model that is too sure."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 1.5, (n, 2))
    targets = (rng.random(logits.shape) < expit(logits)).astype(float)
    return targets, expit(2.5 * logits + 0.8)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_the_error_falls_and_the_order_stays(method: str):
    targets, probs = problem()
    found = calibration(targets, probs, method)
    new = scaled(probs, found.scalings)
    for row, label in enumerate(found.labels):
        assert label.left is None
        assert label.ece_before == metrics.calibration_error(targets[:, row], probs[:, row])
        assert label.ece_after == metrics.calibration_error(targets[:, row], new[:, row])
        assert label.ece_after < label.ece_before
        assert label.positives + label.negatives == 300
        aps = [metrics.average_precision(targets[:, row], p[:, row]) for p in (probs, new)]
        assert aps[0] == aps[1]


@pytest.mark.parametrize(("method", "least"), [("temperature", 10), ("platt", 20)])
def test_a_label_with_too_few_images_is_left_alone(method: str, least: int):
    targets, probs = problem()
    rare = np.flatnonzero(targets[:, 0] == 1)
    for kept, is_left in ((least, False), (least - 1, True)):
        some = targets.copy()
        some[rare[kept:], 0] = np.nan
        first, second = calibration(some, probs, method).labels
        assert (first.scaling is None) == is_left
        assert second.scaling is not None
    assert f"only {least - 1} validation images" in first.left
    assert first.ece_before == first.ece_after


def test_scores_that_say_nothing_or_all_are_left_alone():
    targets = np.repeat([0.0, 1.0], 50)[:, None]
    wrong = np.linspace(0.9, 0.1, 100)[:, None]
    for method in ("temperature", "platt"):
        (label,) = calibration(targets, wrong, method).labels
        assert label.scaling is None
        assert "no higher" in label.left
    (label,) = calibration(targets, 1 - wrong, "temperature").labels
    assert "wholly" in label.left
    (label,) = calibration(targets, 1 - wrong, "platt").labels
    assert label.scaling is not None


def test_thresholds_that_are_carried_decide_the_same():
    targets, probs = problem()
    names = ("a", "b")
    first, second = (calibration(targets, probs, method) for method in ("temperature", "platt"))
    raw = Labels(names=names, thresholds=(0.4, 0.8), prevalence=(0.5, 0.5))
    one = raw.model_copy(update={"thresholds": carried(raw, first), "calibration": first})
    two = one.model_copy(update={"thresholds": carried(one, second), "calibration": second})
    decided = probs >= raw.thresholds
    for labels in (one, two):
        new = scaled(probs, labels.calibration.scalings)
        assert ((new >= labels.thresholds) == decided).all()
    assert thresholds.uncalibrated(two).thresholds == pytest.approx(raw.thresholds)
    assert thresholds.uncalibrated(two).calibration is None
    always = raw.model_copy(update={"thresholds": (0.0, 1.0)})
    assert carried(always, second) == (0.0, 1.0)


def test_a_scaling_and_its_inverse_are_nothing():
    _, probs = problem()
    scalings = (Scaling(slope=0.4, offset=1.2), None)
    np.testing.assert_allclose(scaled(scaled(probs, scalings), inverses(scalings)), probs)


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 200 images whose labels follow their colour by chance."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))

    def by_chance(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.random(2) < expit((colour[:2] - 128) / 40)

    return paint(tmp_path / "colours", 200, by_chance, shades=(20, 236))


@pytest.fixture
def model(colours: Path, tmp_path: Path) -> Artifact:
    """Save an ONNX artifact that is too sure, half of whose other images are for validation."""
    dataset = open_data(str(colours))
    work = tmp_path / ".work"
    work.mkdir()
    write_onnx(work / "model.onnx", COLOURS)
    split = default_split(dataset, test_share=0.4, val_share=0.4)
    manifest = Manifest(
        id="sure",
        stage="tests",
        config={},
        kind="onnx",
        image=SPEC,
        labels=PLAIN,
        data=DataRef(source=str(colours), fingerprint=dataset.fingerprint, split=split),
    )
    return artifacts.save(tmp_path / "sure", work, manifest)


def told_by(file: Path) -> Labels:
    props = {prop.key: prop.value for prop in onnx.load(file).metadata_props}
    return Labels.model_validate_json(props["edgepress.labels"])


def test_a_finished_model_is_calibrated_once_and_back(
    model: Artifact, colours: Path, tmp_path: Path, command
):
    def made(name: str, start: Path, *options: str) -> Artifact:
        done = command(RUN, "--model", start, "--data", colours, "--out", tmp_path / name, *options)
        assert done.code == 0, done.err
        assert ("calibration of red" in done.out) == (name != "none")
        return artifacts.load(tmp_path / name)

    plain = made("none", model.path, "--calibrate", "none")
    platt = made("platt", model.path, "--calibrate", "platt")
    again = made("again", platt.path)
    back = command(
        RUN, "--model", again.path, "--data", colours, "--out", tmp_path / "back",
        "--calibrate", "none",
    )  # fmt: skip
    assert back.code == 0, back.err
    results = {
        name: load_eval(tmp_path / name / "eval.npz") for name in ("none", "platt", "again", "back")
    }
    first = results["none"]
    for name, result in results.items():
        assert result.ap == first.ap, name
    labels = platt.manifest.labels
    expected = scaled(first.scores[0], labels.calibration.scalings)
    np.testing.assert_allclose(results["platt"].scores[0], expected, atol=1e-5)
    np.testing.assert_allclose(results["again"].scores, results["platt"].scores, atol=1e-5)
    assert (results["back"].scores == first.scores).all()
    losses = [log_loss(first.targets.ravel(), results[name].scores[0].ravel().astype(float))
              for name in ("platt", "none")]  # fmt: skip
    assert losses[0] < 0.9 * losses[1]
    assert results["platt"].ece < first.ece
    assert told_by(platt.weights) == labels
    assert again.manifest.labels.calibration.method == "platt", "it goes from model to model"
    assert again.manifest.labels.thresholds == pytest.approx(labels.thresholds, abs=1e-5)
    decided = [results[name].scores[0] >= np.float32(one.manifest.labels.thresholds)
               for name, one in (("none", plain), ("platt", platt))]  # fmt: skip
    assert (decided[0] == decided[1]).all(), "F1 has its maximum at the same images"
    notes = [note for note in again.manifest.notes if note.startswith("calibration of ")]
    assert len(notes) == 2
    assert not [n for n in artifacts.load(tmp_path / "back").manifest.notes if "calibration" in n]


def test_the_gate_on_calibration_sees_calibrated_probabilities(
    model: Artifact, colours: Path, tmp_path: Path, command
):
    out = tmp_path / "platt"
    options = ("--data", colours, "--out", out, "--calibrate", "platt")
    assert command(RUN, "--model", model.path, *options).code == 0
    told = {}
    for path in (model.path, out):
        done = command(
            "benchmarks.gate", "--candidate", path, "--baseline", model.path, "--data", colours,
            "--gate", "ece <= 0.9",
        )  # fmt: skip
        assert done.code == 0, done.err
        told[path.name] = done.out
    assert f"calibration error is {100 * load_eval(out / 'eval.npz').ece:.2f}%" in told["platt"]
    assert told["platt"] != told["sure"]


def test_without_validation_images_it_is_refused(
    model: Artifact, colours: Path, tmp_path: Path, command
):
    manifest = json.loads((model.path / "manifest.json").read_text())
    split = manifest["data"]["split"]
    split["train"], split["val"] = split["train"] + split["val"], []
    (model.path / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "platt"
    options = ("--data", colours, "--out", out, "--calibrate", "platt")
    done = command(RUN, "--model", model.path, *options)
    assert done.code == 2
    assert "no validation images" in done.err
    assert not out.exists()


def test_what_a_calibration_would_do_is_shown_and_no_model_stored(
    model: Artifact, colours: Path, tmp_path: Path, command
):
    file = tmp_path / "told" / "calibration.json"
    shown = ("--show", model.path, "--data", colours)
    done = command(RUN, *shown, "--out", tmp_path / "new", "--result", file)
    assert done.code == 0, done.err
    assert not (tmp_path / "new").exists()
    found = effect.Result.model_validate_json(file.read_text())
    (one,) = found.models
    for label in one.labels:
        assert label.after["platt"].ap == label.before.ap, label.label
        assert label.after["platt"].ece < label.before.ece, label.label
    assert file.with_suffix(".md").read_text() == f"{effect.table(found)}\n"
    assert f"fitted on {one.n_val} images, measured on {one.n_test} others" in done.out
    other = one.model_copy(update={"name": "other", "n_test": 3})
    both = effect.sentence(found.model_copy(update={"models": (one, other)}))
    assert f"other: fitted on {one.n_val} images, measured on 3 others" in both
    done = command(RUN, "--model", model.path, "--data", colours, "--result", file)
    assert (done.code, "--show" in done.err) == (2, True)
