"""The whole way on a tiny real problem, through the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from places import ROOT, SUPPORT

from benchmarks.report.schema import Report
from edgepress.core import artifact as artifacts

pytestmark = pytest.mark.slow


def models(out: Path) -> dict[str, artifacts.Artifact]:
    return {path.parent.name: artifacts.load(path.parent) for path in out.glob("*/manifest.json")}


def test_every_step_leaves_a_whole_artifact(finished: Path):
    assert set(models(finished)) == {
        "teacher", "teacher-fp32", "pruned", "student", "student-fp32", "student-int8",
    }  # fmt: skip
    assert not list(finished.glob(".*.work-*")), "no half-made files are left"


def test_the_teacher_has_learnt_something(finished: Path):
    teacher = models(finished)["teacher"].manifest
    prevalence = np.mean(teacher.labels.prevalence)
    assert teacher.measurements.map is not None
    assert teacher.measurements.map > 2 * prevalence


def test_pruning_shrinks_params_macs_and_the_onnx_file(finished: Path):
    made = models(finished)
    teacher, pruned = (made[name].manifest.measurements for name in ("teacher", "pruned"))
    assert pruned.macs <= 0.5 * teacher.macs
    assert pruned.params < 0.9 * teacher.params
    sizes = [made[name].weights.stat().st_size for name in ("teacher-fp32", "student-fp32")]
    assert sizes[1] < 0.9 * sizes[0]
    widths = [
        tensor.dims[0]
        for tensor in onnx.load(made["student-fp32"].weights).graph.initializer
        if len(tensor.dims) == 4
    ]
    assert widths
    assert all(width % 8 == 0 for width in widths)


def test_int8_runs_in_integers(finished: Path):
    found = models(finished)["student-int8"].manifest
    assert found.precision == "int8"
    measured = found.measurements
    counted = (measured.int8_convs_fused, measured.convs_kept_float, measured.convs_total)
    assert counted == (2, 1, 3), "all but the convolution of the image"
    assert any("reads the image" in note for note in found.notes)


def test_lineage_and_split_are_kept(finished: Path):
    made = models(finished)
    int8, fp32, teacher = (made[n].manifest for n in ("student-int8", "student-fp32", "teacher"))
    assert int8.parents == (fp32.id,)
    assert int8.data is not None
    assert int8.data.split == teacher.data.split
    assert set(int8.data.split.train).isdisjoint(int8.data.split.test)


def test_the_report_holds_every_model_and_its_gates(finished: Path):
    report = Report.model_validate_json((finished / "report.json").read_text())
    assert [model.name for model in report.models] == [
        "teacher-fp32", "pruned", "student", "student-fp32", "student-int8",
    ]  # fmt: skip
    assert report.verdict == "pass"
    last = report.models[-1]
    assert {gate.gate for gate in last.gates} >= {"map drop <= 0.3", "size ratio <= 0.9"}
    assert last.latency_s["cpu:1"].p50 > 0
    assert (finished / "report.html").stat().st_size < 6e6
    assert "student-int8" in (finished / "report.md").read_text()


def test_a_second_run_changes_nothing_and_is_quick(finished: Path, scenes: Path, command):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    recipe = ROOT / "tests" / "recipes" / "scenes.toml"
    started = time.monotonic()
    words = ("--recipe", recipe, "--data", scenes, "--out", finished)
    done = command("compress.__main__", *words)
    assert done.code == 0, done.err
    assert done.err.count("unchanged:") == 7
    assert time.monotonic() - started < 60
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()} == before


def training(scenes: Path, out: Path, epochs: int = 6, gate: str = "map >= 0") -> list[str]:
    return [
        "compress.train", "--data", str(scenes), "--out", str(out),
        "--arch", "tiny_network:build", "--weights", "random", "--image-size", "48",
        "--epochs", str(epochs), "--gate", gate,
    ]  # fmt: skip


CHOSEN = (
    "--schedule", "plateau", "--stop-early", "4", "--sampling", "class-aware", "--accumulation",
    "2", "--optimizer", "sgd",
)  # fmt: skip


@pytest.mark.parametrize("chosen", [(), CHOSEN], ids=["defaults", "chosen"])
def test_a_killed_training_resumes_and_ends_with_the_same_weights(
    scenes: Path, tmp_path: Path, command, chosen: tuple[str, ...]
):
    """What the schedule, the early stop and the sampling know goes on too."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = command(*training(scenes, whole), *chosen)
    assert done.code == 0, done.err
    running = subprocess.Popen(
        [sys.executable, "-m", *training(scenes, killed), *chosen],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    while "epoch 2/6" not in running.stderr.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not killed.exists()
    again = command(*training(scenes, killed), *chosen)
    assert again.code == 0, again.err
    assert "resuming after epoch" in again.err
    hashes = [artifacts.load(path).manifest.files for path in (whole, killed)]
    assert hashes[0]["model.safetensors"] == hashes[1]["model.safetensors"]


def test_a_failed_gate_ends_with_3_and_keeps_the_artifact(scenes: Path, tmp_path: Path, command):
    out = tmp_path / "model"
    done = command(*training(scenes, out, epochs=1, gate="map >= 0.999"))
    assert done.code == 3, done.err
    verdicts = json.loads((out / "manifest.json").read_text())["verdicts"]
    assert [verdict["outcome"] for verdict in verdicts] == ["fail"]
