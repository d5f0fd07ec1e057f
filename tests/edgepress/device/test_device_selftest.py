"""The model on the device answers as where it was made, or says that it does not."""

import json
from pathlib import Path

import device_bundles
import numpy as np
import pytest
import resizing_model

from edgepress.core.image_spec import ImageSpec
from edgepress.device.bundle import Bundle, open_folder
from edgepress.device.errors import DeviceError, ModelFailed
from edgepress.device.images import TooLarge
from edgepress.device.model import selftest, tune
from edgepress.device.model.session import Predictor
from edgepress.device.model.tune import Trial


def opened(folder: Path, files: dict[str, bytes] | None = None, **changes: object) -> Bundle:
    return open_folder(device_bundles.unpacked(folder, files or device_bundles.files(**changes)))


def failed(bundle: Bundle) -> set[str]:
    return {check.name for check in selftest.run(bundle) if not check.passed}


def test_predictions_are_those_of_a_bare_session(tmp_path: Path):
    predictor = Predictor(opened(tmp_path))
    for seed in range(5):
        image = device_bundles.image(seed, height=20 + 7 * seed)
        found = predictor.predict(image)
        expected = device_bundles.probs(device_bundles.model(), image)
        np.testing.assert_allclose(found.probs, expected, atol=1e-6)
        pairs = zip(device_bundles.LABELS, expected, device_bundles.THRESHOLDS, strict=True)
        assert found.labels == tuple(name for name, prob, limit in pairs if prob >= limit)
        assert found.seconds > 0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((1, 4, 4, 3), np.uint8),
    ],
)
def test_an_image_of_another_form_is_refused(image: np.ndarray, tmp_path: Path):
    with pytest.raises(DeviceError, match="does not fit the model"):
        Predictor(opened(tmp_path)).predict(image)


def test_a_model_that_gives_no_probabilities_has_failed(tmp_path: Path):
    files = device_bundles.files(content=device_bundles.model(fails_on_black=True))
    predictor = Predictor(opened(tmp_path, files))
    assert predictor.predict(device_bundles.image(0)).probs.shape == (3,)
    with pytest.raises(ModelFailed, match="no probabilities"):
        predictor.predict(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_file_that_is_no_model_is_told(content: bytes, tmp_path: Path):
    listed = device_bundles.files() | {"model.onnx": content}
    del listed["manifest.json"]
    files = listed | {"manifest.json": json.dumps(device_bundles.manifest(listed)).encode()}
    with pytest.raises(ModelFailed, match="cannot be opened"):
        Predictor(opened(tmp_path, files))


def test_a_healthy_device_passes(tmp_path: Path):
    checks = selftest.run(opened(tmp_path))
    assert all(check.passed for check in checks)
    report = selftest.report(opened(tmp_path), checks)
    assert report["passed"] is True
    assert json.loads(json.dumps(report)) == report


def altered(**expected: float) -> dict[str, bytes]:
    """Return a bundle that expects other probabilities."""
    listed = device_bundles.files()
    del listed["manifest.json"]
    golden = json.loads(listed["golden/expected.json"])
    moved = {name: [prob + expected["by"] for prob in row] for name, row in golden.items()}
    listed["golden/expected.json"] = json.dumps(moved).encode()
    return listed | {"manifest.json": json.dumps(device_bundles.manifest(listed)).encode()}


def test_other_answers_fail(tmp_path: Path):
    assert failed(opened(tmp_path / "same", altered(by=5e-5))) == set()
    assert failed(opened(tmp_path / "other", altered(by=2e-4))) == {"golden_difference"}


def test_other_thresholds_than_the_graph_has_fail(tmp_path: Path):
    labels = {"names": device_bundles.LABELS, "thresholds": (0.001, 0.999, 0.001)}
    assert failed(opened(tmp_path, labels=labels)) == {"wrong_decisions"}


@pytest.mark.parametrize("limit", ["latency_s", "peak_rss_bytes"])
def test_a_budget_that_is_not_kept_fails(limit: str, tmp_path: Path):
    budget = {"latency_s": 10.0, "peak_rss_bytes": 10**11}
    assert failed(opened(tmp_path / "wide", budget=budget)) == set()
    assert failed(opened(tmp_path / "tight", budget=budget | {limit: 1e-9})) == {limit}


def test_memory_that_cannot_be_measured_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(selftest.memory, "_STATUS", tmp_path / "none")
    budget = {"latency_s": None, "peak_rss_bytes": 10**11}
    assert failed(opened(tmp_path / "b", budget=budget)) == {"peak_rss_bytes"}
    assert failed(opened(tmp_path / "c")) == set()


def test_without_golden_images_nothing_is_tested(tmp_path: Path):
    listed = {"model.onnx": device_bundles.model(), "golden/expected.json": b"{}"}
    files = listed | {"manifest.json": json.dumps(device_bundles.manifest(listed)).encode()}
    with pytest.raises(DeviceError, match="no golden image"):
        selftest.run(opened(tmp_path, files))


def test_a_golden_image_that_the_device_would_refuse_fails(tmp_path: Path):
    listed = {
        "model.onnx": resizing_model.model(ImageSpec()),
        "golden/expected.json": json.dumps({"golden/0.png": [0.5]}).encode(),
        "golden/0.png": device_bundles.encoded(np.zeros((30_000, 1, 3), np.uint8)),
    }
    files = listed | {"manifest.json": json.dumps(device_bundles.manifest(listed)).encode()}
    with pytest.raises(TooLarge, match=r"too much memory.*1x30000 pixels"):
        selftest.run(opened(tmp_path, files))


def test_the_settings_worth_a_trial():
    assert [one["intra_op_threads"] for one in tune.settings(1)] == [1, 1]
    assert len(tune.settings(4)) == 2 + 4 + 4
    assert not any(one["allow_spinning"] for one in tune.settings(1))


def test_the_fewest_threads_near_the_fastest_are_chosen():
    trials = [
        Trial(1, True, False, 0.0104, 60),
        Trial(1, False, False, 0.0103, 50),
        Trial(2, True, False, 0.0101, 60),
        Trial(2, True, True, 0.0100, 60),
    ]
    slow = {"intra_op_threads": 1, "enable_cpu_mem_arena": False, "allow_spinning": False}
    assert tune.choose(trials) == slow
    fast = [Trial(1, False, False, 0.02, 50), *trials[2:]]
    assert tune.choose(fast) == slow | {"intra_op_threads": 2, "enable_cpu_mem_arena": True}


def test_a_trial_measures_in_a_process_of_its_own(tmp_path: Path):
    folder = device_bundles.unpacked(tmp_path, device_bundles.files())
    setting = tune.settings(1)[0]
    trial = tune._trial(folder, setting)
    assert trial.latency_s > 0
    assert trial.peak_rss_bytes is None or 20e6 < trial.peak_rss_bytes < 500e6
    assert trial.enable_cpu_mem_arena is setting["enable_cpu_mem_arena"]
