"""`python -m compress --data D`: from a folder and a table to a signed bundle, whatever one has."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import device_bundles
import elsewhere
import numpy as np
import pytest
import scenes as scene_maker
import torch
from made_once import made_once
from places import ROOT, SUPPORT
from safetensors.torch import load_file

from compress.planning.costing import speed
from compress.planning.costing.stopping import Patience
from compress.planning.students import candidates
from edgepress.core import artifact as artifacts

pytestmark = pytest.mark.slow
ARCH = "tiny_network:build"
SHORT = (
    "--quick", "--set", "student_epochs=1", "--set", "search_time=0s", "--set", "latency_time=1s",
)  # fmt: skip
"""Where what comes after the teacher only has to come, and not to be good."""
OWN = (
    "--quick",
    "--set",
    "teacher_epochs=12",
    "--set",
    "search_time=1s",
    "--set",
    "latency_time=1s",
)
LINES = ("reached:", "lies in:", "try it:", "ship it:", "gates:")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 300 scenes with a table, as a user has it."""
    return made_once(tmp_path_factory, "digits", lambda folder: scene_maker.write(folder, n=300))


@pytest.fixture(scope="session")
def own(digits: Path, tmp_path_factory: pytest.TempPathFactory, shell) -> Path:
    """Run the one command without a model; return the folder of results."""

    def make(out: Path) -> None:
        private, _ = device_bundles.keys(tmp_path_factory.mktemp("key"))
        done = shell(
            "timed_once", "compress", "--data", digits, "--arch", ARCH, *OWN, "--sign", private,
            "--out", out, timeout=560,
        )  # fmt: skip
        assert done.code == 0, done.err
        (out.parent / "own.out").write_text(done.out)

    return made_once(tmp_path_factory, "own", make)


@pytest.fixture(autouse=True)
def _measured_briefly(timed_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure one step of each kind for the plan: how exact it is does not matter here."""
    for name in ("TRAINING", "RUNS"):
        monkeypatch.setattr(speed, name, Patience(0.0))


def test_everything_is_there_from_the_teacher_to_a_bundle_that_answers(own: Path, tmp_path: Path):
    names = {path.parent.name for path in own.glob("*/manifest.json")}
    assert names == {
        "teacher", "teacher-fp32", "teacher-int8", "pruned", "student", "student-fp32",
        "student-int8",
    }  # fmt: skip
    assert (own / "report.html").is_file()
    folder = tmp_path / "bundle"
    with zipfile.ZipFile(own / "own.zip") as packed:
        packed.extractall(folder)
        assert any("sig" in name for name in packed.namelist()), "signed"
    run = [sys.executable, folder / "run.py", "selftest"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_five_lines_say_what_was_reached_and_what_is_next(own: Path):
    said = (own.parent / "own.out").read_text().splitlines()
    shown = [next(line for line in said if line.startswith(word)) for word in LINES]
    assert "student-int8" in shown[0]
    assert "own.zip" in shown[2]
    assert "run.py predict" in shown[2]
    assert shown[4].split() == ["gates:", "all", "met"]


def test_the_manifests_hold_what_was_chosen(own: Path):
    plan = json.loads((own / "plan.json").read_text())
    chosen = {one["name"]: one["value"] for one in plan["choices"]}
    trained = artifacts.load(own / "teacher").manifest.config
    assert trained["epochs"] == 12, "as --set says"
    assert "teacher_epochs" not in chosen
    assert trained["image_size"] == chosen["image_size"] == 48
    assert trained["batch_size"] == chosen["batch_size"]
    assert set(plan["seconds"]) >= {"teacher", "student", "report", "bundle"}
    assert plan["complete"]


def test_the_same_command_again_makes_nothing_again(own: Path, digits: Path, command):
    def written() -> dict[Path, int]:
        files = (*own.glob("*/manifest.json"), own / "report.html", own / "plan.json")
        return {file: file.stat().st_mtime_ns for file in files}

    before = written()
    done = command("compress.__main__", "--data", digits, "--arch", ARCH, *OWN, "--out", own)
    assert done.code == 0, done.err
    assert done.err.count("unchanged:") >= 8
    changed = {file for file, when in written().items() if when != before[file]}
    assert changed <= {own / "plan.json"}, "the bundle is packed again"
    assert "measuring" not in done.err, "what was measured for the plan is kept"


def short(command, digits: Path, out: Path, *words: object):
    done = command("compress.__main__", "--data", digits, *SHORT, "--out", out, *words)
    assert done.code == 0, done.err
    return done


def accuracy(model: Path) -> float:
    return artifacts.load(model).manifest.measurements.map


def test_a_checkpoint_of_ones_own_network_is_taken_as_it_is(own: Path, digits, tmp_path, command):
    trained = load_file(own / "teacher" / "model.safetensors")
    weights = {f"module.{name}": value for name, value in trained.items()}
    file = tmp_path / "best.pth"
    torch.save({"epoch": 3, "state_dict": weights}, file)
    out = tmp_path / "made"
    short(command, digits, out, "--model", file, "--arch", ARCH)
    assert accuracy(out / "teacher") == pytest.approx(accuracy(own / "teacher"))
    assert (out / "made.zip").is_file()


def test_an_onnx_file_teaches_a_network_by_name(own: Path, digits: Path, tmp_path: Path, command):
    file, out = tmp_path / "theirs.onnx", tmp_path / "made"
    shutil.copyfile(own / "teacher-fp32" / "model.onnx", file)
    done = short(command, digits, out, "--model", file)
    assert "cannot be pruned" in done.out + done.err
    assert accuracy(out / "teacher") == pytest.approx(accuracy(own / "teacher"), abs=1e-3)
    assert artifacts.load(out / "student").manifest.architecture.name == "lenet5"
    assert (out / "made.zip").is_file()


def test_a_keras_file_goes_the_whole_way(own: Path, digits: Path, tmp_path: Path, command):
    file, out = tmp_path / "theirs.keras", tmp_path / "made"
    teacher = artifacts.load(own / "teacher")
    elsewhere.tiny_network_in_keras(file, load_file(teacher.weights), teacher.manifest.image)
    short(command, digits, out, "--model", file)
    assert (out / "made.zip").is_file()
    assert accuracy(out / "teacher") == pytest.approx(accuracy(own / "teacher"), abs=1e-3)


def test_a_dry_run_leaves_nothing(digits: Path, tmp_path: Path, command):
    done = command(
        "compress.__main__", "--data", digits, "--arch", ARCH, "--quick", "--dry-run",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "in all about" in done.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--hours", 0.001), 2, "at least --hours"),
        (("--budget", "size <= 1kB"), 3, "No student keeps the budgets"),
        (("--budget", "sise <= 1MB"), 2, "size"),
        (("--gate", "ap[digt_1] >= 0.5"), 2, "did you mean 'digit_1'"),
        (("--set", "image_siz=64"), 2, "did you mean 'image_size'"),
        (("--set", "image_size"), 2, "NAME=VALUE"),
        (("--sign", "nowhere.pem"), 2, "nowhere.pem"),
        (("--set", "student=resnt18"), 2, "did you mean 'resnet18'"),
        (("--set", "search_time=soon"), 2, "soon"),
        (("--model", "nowhere.pth"), 2, "There is no such model"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    digits: Path, tmp_path: Path, command, monkeypatch, words: tuple[object, ...], code: int,
    message: str,
):  # fmt: skip
    monkeypatch.setattr(candidates, "NAMED", ("lenet5",))  # the others cost more
    done = command(
        "compress.__main__", "--data", digits, "--arch", ARCH, "--out", tmp_path / "out", *words
    )
    assert done.code == code, done.err
    assert message in done.err
    assert not list(tmp_path.glob("out/*/manifest.json"))


@pytest.mark.parametrize("words", [("--hours", 1), ("--budget", "size <= 1MB"), ("--quick",)])
def test_an_option_without_effect_is_refused(tmp_path: Path, command, words: tuple[object, ...]):
    done = command("compress.__main__", "--recipe", "elpv", "--out", tmp_path / "out", *words)
    assert done.code == 2, done.err
    assert f"no use for {words[0]}" in done.err


def test_a_model_of_other_labels_is_refused_at_once(own: Path, tmp_path: Path, command):
    other = scene_maker.write(tmp_path / "other", n=60)
    table = other / "labels.csv"
    table.write_text(table.read_text().replace("digit_3", "digit_x"))
    done = command(
        "compress.__main__", "--data", other, "--model", own / "teacher", "--out", tmp_path / "out"
    )
    assert done.code == 2, done.err
    assert "digit_x" in done.err
    assert not (tmp_path / "out").exists()


def test_a_killed_run_goes_on_and_more_hours_improve_the_student(
    digits: Path, tmp_path: Path, command
):
    out = tmp_path / "out"
    words = [
        "--data", str(digits), "--arch", ARCH, "--out", str(out), "--set", "teacher_epochs=2",
        "--set", "prune_epochs=0", "--set", "prune_rounds=1", "--set", "latency_time=1s",
        "--set", "search_time=0s", "--set", "student_gates=[]", "--set", "int8_gates=[]",
        "--set", "compare_gates=[]",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])}
    line = [sys.executable, "-m", "compress", *words, "--set", "student_epochs=3"]
    with subprocess.Popen(
        line, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as running:
        assert running.stderr is not None
        while "student: compress.distill" not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)
    made = (out / "teacher" / "manifest.json").stat().st_mtime_ns
    done = command("compress.__main__", *words, "--set", "student_epochs=[3, 2]")
    assert done.code == 0, done.err
    assert (out / "teacher" / "manifest.json").stat().st_mtime_ns == made
    assert artifacts.is_artifact(out / "student-2")
    chosen = json.loads((out / "plan.json").read_text())["chosen"]["student"]
    assert f"the best of them on validation images: {chosen}" in done.err
    shipped = artifacts.load(out / "student-fp32").manifest
    assert shipped.parents == (artifacts.load(out / chosen).manifest.id,)
    assert np.isfinite(accuracy(out / "student-int8"))
