"""Thresholds of an exported file: learnt with its own scores, and told wherever it tells them."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from export_helpers import LABELS, run

from benchmarks import thresholds
from benchmarks.evaluation.evaluation import EvalSettings
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.labels import ThresholdSettings
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import decoded, normalise
from export.graph import metadata

DEMAND = "recall[red] >= 0.9"
SETTINGS = ThresholdSettings(method="global", demands=(DEMAND,))
COMMON = (
    "--calibration-images", 16, "--target", "cpu-vnni", "--emulate", 0, "--budget", 0,
    "--gate", "map >= 0", "size <= 9MB",
)  # fmt: skip


@pytest.fixture(scope="module")
def demanding(trained: Artifact, dataset: Dataset, tmp_path_factory) -> Artifact:
    """The tiny network with thresholds that follow a demand."""
    rows = context_of(dataset, trained).rows("val")
    found = thresholds.on_validation(trained, dataset, rows, EvalSettings(provider="torch"))
    labels = thresholds.learnt_labels(trained.manifest.labels, found, SETTINGS)
    folder = Path(copytree(trained.path, tmp_path_factory.mktemp("demanding") / "model"))
    manifest = trained.manifest.model_copy(update={"labels": labels, "id": "demanding"})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return replace(trained, path=folder, manifest=manifest)


def own_thresholds(made: Artifact, dataset: Dataset) -> tuple[float, ...]:
    """Return what the validation images tell, by the file's own scores."""
    rows = context_of(dataset, made).rows("val")
    spec = made.manifest.image
    probs = run(made.weights, normalise(decoded(dataset, spec)[rows], spec))
    settings = made.manifest.labels.learning.settings
    before = made.manifest.labels.thresholds
    return thresholds.learn(dataset.targets[rows], probs, LABELS, settings, before).thresholds


def test_an_int8_file_learns_again_as_its_parent_did(
    demanding: Artifact, dataset: Dataset, data_folder: Path, tmp_path: Path, command
):
    fp32, int8 = tmp_path / "fp32", tmp_path / "int8"
    done = command(
        "export.onnx", "--model", demanding.path, "--data", data_folder, "--out", fp32, *COMMON
    )
    assert done.code == 0, done.err
    labels = artifacts.load(fp32).manifest.labels
    assert labels == demanding.manifest.labels, "its scores are the network's"
    done = command(
        "export.onnx", "--model", fp32, "--quantize", "int8", "--data", data_folder, "--out", int8,
        *COMMON,
    )  # fmt: skip
    assert done.code == 0, done.err
    made = artifacts.load(int8)
    labels = made.manifest.labels
    assert labels.learning.settings == SETTINGS
    assert labels.thresholds != demanding.manifest.labels.thresholds
    assert labels.thresholds == pytest.approx(own_thresholds(made, dataset), abs=1e-5)
    assert metadata.read(made.weights).labels == labels
    assert any(note.startswith(f"{DEMAND}:") for note in made.manifest.notes)
    assert f"note: {DEMAND}:" in done.err


def test_an_export_may_name_its_own(
    demanding: Artifact, data_folder: Path, tmp_path: Path, command
):
    made = {}
    for method in ("fixed", "f1"):
        out = tmp_path / method
        more = ("--out", out, "--thresholds", method)
        done = command(
            "export.onnx", "--model", demanding.path, "--data", data_folder, *more, *COMMON
        )
        assert done.code == 0, done.err
        made[method] = artifacts.load(out).manifest.labels
    assert made["fixed"].thresholds == demanding.manifest.labels.thresholds
    assert len(set(made["f1"].thresholds)) > 1
    assert [made[method].learning.settings.method for method in made] == ["fixed", "f1"]
    assert made["f1"].learning.settings.demands == ()


def test_a_demand_that_cannot_be_kept_fails_and_the_file_is_there(
    trained: Artifact, data_folder: Path, tmp_path: Path, command
):
    out = tmp_path / "made"
    demand = ("--demand", "precision[striped] >= 1")
    done = command(
        "export.onnx", "--model", trained.path, "--data", data_folder, "--out", out, *demand,
        *COMMON,
    )  # fmt: skip
    assert done.code == 3, done.err
    verdict = artifacts.load(out).manifest.verdicts[-1]
    assert (verdict.gate, verdict.outcome) == ("precision[striped] >= 1 on validation", "fail")
    assert "at most" in verdict.reason
    assert 0 < verdict.measured < 1
    assert np.isclose(verdict.margin, verdict.measured - 1)


def test_a_demand_on_an_unknown_label_is_refused_before_the_work(
    trained: Artifact, data_folder: Path, tmp_path: Path, command
):
    out = tmp_path / "made"
    demand = ("--demand", "recall[rde] >= 0.9")
    done = command(
        "export.onnx", "--model", trained.path, "--data", data_folder, "--out", out, *demand
    )
    assert done.code == 2
    assert "did you mean 'red'" in done.err
    assert "exporting" not in done.err
    assert not out.exists()
