"""The list of students: what is counted, what is timed, and what is kept for the next time."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import small_training
from plans import manifest

from compress.planning.students import listing
from compress.stand_ins import costs
from compress.stand_ins.costs import Times
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.manifest import Architecture, Measurements
from models.stored import count_macs, count_params, rebuilt

SPEC = small_training.SPEC
PLAIN, FRIENDLY = "gated_network:build", "gated_network:build --int8-friendly"
STUDENTS = (("gated_network:build", {}), ("gated_network:build", {"int8_friendly": True}))
FASTER = (1, 2, 8)
"""How many times as fast as the teacher each file is: of the teacher, and of the students."""


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a teacher, on a machine that has nothing in its cache."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(listing, "STUDENTS", STUDENTS)
    monkeypatch.setattr(costs, "race", race)
    files = tmp_path / "files"
    files.mkdir()
    (files / "model.safetensors").write_bytes(b"not read")
    named = Architecture(name="tiny_network:build")
    made = manifest(architecture=named, image=SPEC)
    artifacts.save(tmp_path / "teacher", files, made)
    return tmp_path / "teacher"


def race(files: tuple[Artifact, ...]) -> Times:
    assert [file.manifest.precision for file in files] == ["fp32", "int8", "int8"]
    rounds = np.linspace(0.9, 1.1, 21) * 8e-3
    times = np.array([rounds / each for each in FASTER])
    return Times(times, times)


def listed(command, teacher: Path, *more: object) -> dict:
    file = teacher.parent / "list.json"
    words = ("--list-students", "--teacher", teacher, "--result", file, "--out", teacher / "none")
    done = command("compress.distill", *words, *more)
    assert done.code == 0, done.err
    assert not (teacher / "none").exists()
    return json.loads(file.read_text()) | {"out": done.out, "err": done.err}


def pretended(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let files be written without an export; return the places of those that are."""
    made = list[Path]()

    def stand_in(network, spec, quantize, path, integers=costs.HERE) -> Artifact:
        files = path.with_name("pretended")
        files.mkdir()
        (files / "model.onnx").write_bytes(bytes(count_params(network)))
        counted = Measurements(params=count_params(network), macs=count_macs(network, spec))
        made.append(path)
        precision = "int8" if quantize else "fp32"
        about = manifest(kind="onnx", precision=precision, image=spec, measurements=counted)
        return artifacts.save(path, files, about)

    monkeypatch.setattr(costs, "stand_in", stand_in)
    return made


def students_of(found: dict) -> dict[str, dict]:
    return {row["student"]: row for row in found["students"]}


def test_students_are_counted_and_timed_against_the_float_teacher(command, teacher: Path) -> None:
    found = listed(command, teacher, "--target", "cpu-avx2")
    labels, rows = 2, students_of(found)
    assert list(rows) == [PLAIN, FRIENDLY]  # the most multiply-accumulates first
    for name, rewritten in ((PLAIN, ()), (FRIENDLY, ("relu6", "no-squeeze-excite"))):
        architecture = Architecture(name="gated_network:build", rewrites=rewritten)
        network = rebuilt(architecture, labels, SPEC)
        counted = (count_params(network), count_macs(network, SPEC))
        assert (rows[name]["params"], rows[name]["macs"]) == counted
    assert rows[FRIENDLY]["size_bytes"] < rows[PLAIN]["size_bytes"] < 250_000
    times = [row["latency_s"] for row in (found["teacher"], *rows.values())]
    assert times == pytest.approx([8e-3, 4e-3, 1e-3])
    assert [row["speedup"] for row in rows.values()] == pytest.approx([2, 8])
    assert FRIENDLY in found["out"]
    assert "8.00 (8.00-8.00)" in found["out"]


def test_the_second_time_nothing_is_exported(command, teacher: Path, monkeypatch) -> None:
    made = pretended(monkeypatch)
    first = listed(command, teacher)
    assert f"exporting {FRIENDLY}" in first["err"]
    assert len(made) == 3
    again = listed(command, teacher)
    assert again["students"] == first["students"]
    assert "exporting" not in again["err"]
    assert len(made) == 3
    damaged = next((teacher.parent / "cache" / "stand-ins").glob("*/model.onnx"))
    damaged.write_bytes(b"nothing")
    assert listed(command, teacher)["students"] == first["students"]
    assert len(made) == 4
    larger = listed(command, teacher, "--image-size", 48)
    assert students_of(larger)[PLAIN]["macs"] > students_of(first)[PLAIN]["macs"]
    assert len(made) == 6
    listed(command, teacher, "--target", "qnn")
    assert len(made) == 8


@pytest.mark.skipif(this_cpu().kind == "arm", reason="it is this machine")
def test_what_does_not_run_here_is_not_timed(command, teacher: Path, monkeypatch) -> None:
    monkeypatch.setattr(costs, "race", None)
    monkeypatch.setattr(listing, "STUDENTS", STUDENTS[1:])
    found = listed(command, teacher, "--target", "cpu-arm")
    assert "cpu-arm does not run here, so latency is not measured" in found["err"]
    assert {row["latency_s"] for row in found["students"]} == {None}
    files = (teacher.parent / "cache" / "stand-ins").glob("*/model.onnx")
    made = {t.data_type for file in files for t in onnx.load(file).graph.initializer}
    assert onnx.TensorProto.INT8 in made
    assert onnx.TensorProto.UINT8 not in made


def test_a_student_that_cannot_be_is_left_out(command, teacher: Path, monkeypatch) -> None:
    broken = (("gated_network:build", {"width": 0.9}), ("tiny_network:no", {}), *STUDENTS)
    monkeypatch.setattr(listing, "STUDENTS", broken)
    pretended(monkeypatch)
    found = listed(command, teacher)
    assert list(students_of(found)) == [PLAIN, FRIENDLY]
    assert "gated_network:build --width 0.9 is left out: No layer of the student" in found["err"]
    assert "tiny_network:no is left out" in found["err"]


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--target", "cpu-vnni"), "--target goes with --list-students"),
     (("--result", "a.json"), "--result goes with --list-students"),
     (("--list-students", "--target", "cpu-vni"), "mean 'cpu-vnni'"),
     (("--list-students", "--target", "webgpu"), "does not take int8"),
     (("--list-students", "--result", "a.md"), "Figures are stored as JSON")],
)  # fmt: skip
def test_what_is_refused(command, tmp_path: Path, words, told: str) -> None:
    done = command("compress.distill", *words, "--out", tmp_path / "out")
    assert done.code == 2, done.err
    assert told in done.err
