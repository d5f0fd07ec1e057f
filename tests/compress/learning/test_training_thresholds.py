"""Thresholds of a stage that trains: how they are learnt, stored, handed on and refused."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.thresholds import scaled
from edgepress.core import artifact as artifacts
from edgepress.core.commands import made_by
from edgepress.core.eval_file import load_eval
from edgepress.core.labels import Labels
from models.defaults import ZOO_TEACHER

UNTRAINED = (
    "--arch", "tiny_network:build", "--weights", "random", "--image-size", 48, "--epochs", 0,
    "--gate", "map >= 0",
)  # fmt: skip
RECALL = "recall[digit_3] >= 0.9"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Fewer scenes: nothing is learnt from them here."""
    import scenes as scene_maker

    return scene_maker.write(tmp_path_factory.mktemp("small"), n=160)


def test_a_demand_goes_from_model_to_model(small: Path, tmp_path: Path, command):
    first, second = tmp_path / "first", tmp_path / "second"
    demands = ("--demand", RECALL, "--demand", "recall[digit_5] >= 0.8")
    done = command(
        "compress.train", "--data", small, "--out", first, *UNTRAINED, "--thresholds", "global",
        *demands,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert f"{RECALL}: " in done.err
    manifest = artifacts.load(first).manifest
    labels = manifest.labels
    assert labels.learning.settings.demands == demands[1::2]
    assert labels.learning.labels[3].recall >= 0.9
    assert len(set(labels.thresholds)) == 3, "one for all, and those of the two demands"
    assert "--demand 'recall[digit_3] >= 0.9' --demand" in made_by(manifest)
    done = command(
        "compress.distill", "--teacher", first, "--student", first, "--data", small, "--out",
        second, "--epochs", 0, "--gate", "map >= 0",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert artifacts.load(second).manifest.labels.learning.settings == labels.learning.settings


def test_a_calibration_goes_from_model_to_model(small: Path, tmp_path: Path, command):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    parts = ("--val-share", 0.5, "--test-share", 0.3, "--batch-size", 16)
    done = command(
        "compress.train", "--data", small, "--out", first, *UNTRAINED, *parts, "--calibrate",
        "temperature",
    )  # fmt: skip
    assert done.code == 0, done.err
    labels = artifacts.load(first).manifest.labels
    assert labels.calibration.method == "temperature"
    each = labels.calibration.labels
    assert any(label.scaling for label in each)
    assert all((label.scaling is None) == bool(label.left) for label in each)
    assert done.err.count("calibration of digit_") == 10
    common = ("--teacher", first, "--student", first, "--data", small, "--epochs", 0)
    common += ("--batch-size", 16, "--gate", "map drop <= 0.1")
    done = command("compress.distill", *common, "--out", second)
    assert done.code == 0, done.err
    assert artifacts.load(second).manifest.labels.calibration == labels.calibration, "as it was"
    done = command("compress.distill", *common, "--out", third, "--calibrate", "none")
    assert done.code == 0, done.err
    assert artifacts.load(third).manifest.labels.calibration is None
    results = [load_eval(path / "eval.npz") for path in (first, second, third)]
    assert results[0].ap == results[2].ap, "bit for bit"
    assert (results[0].scores == results[1].scores).all()
    scalings = labels.calibration.scalings
    expected = scaled(results[2].scores[0], scalings)
    np.testing.assert_allclose(results[0].scores[0], expected, atol=1e-5)


def test_training_is_not_lost_for_a_demand_that_cannot_be_kept(
    small: Path, tmp_path: Path, command
):
    out = tmp_path / "model"
    demand = ("--demand", "precision[digit_3] >= 1")
    done = command("compress.train", "--data", small, "--out", out, *UNTRAINED, *demand)
    assert done.code == 3, done.err
    assert "precision reaches" in done.err
    manifest = artifacts.load(out).manifest
    assert [one.outcome for one in manifest.verdicts] == ["pass", "fail"]
    assert manifest.labels.learning.labels[3].reachable < 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--demand", "recall[digit_33] >= 0.9"), "did you mean 'digit_3'"),
        (("--demand", "recall[digit_3] <= 0.9"), "wrong way"),
        (("--demand", RECALL, "--val-share", 0), "there are none"),
        (("--calibrate", "platt", "--val-share", 0), "--calibrate none"),
    ],
)
def test_bad_demands_are_refused_before_the_work(
    small: Path, tmp_path: Path, command, options, says: str
):
    out = tmp_path / "model"
    done = command("compress.train", "--data", small, "--out", out, *UNTRAINED, *options)
    assert done.code == 2
    assert says in done.err
    assert not list(tmp_path.glob("*model*"))


def test_an_artifact_from_before_can_be_read():
    labels = artifacts.load(ZOO_TEACHER).manifest.labels
    assert labels.learning is None
    assert "learning" not in labels.model_dump(exclude_none=True)


def test_learning_is_of_as_many_labels():
    one = {"images": 1, "positives": 0, "precision": None, "recall": None, "f1": None}
    learning = {"settings": {}, "labels": [one]}
    with pytest.raises(ValueError, match="one entry per label"):
        Labels.model_validate(
            {"names": ("a", "b"), "thresholds": (0, 0), "prevalence": (0, 0), "learning": learning}
        )
