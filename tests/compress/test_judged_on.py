"""`--judged-on val`: the test part stays unseen, and nobody takes such figures for its own."""

import json
from pathlib import Path

import pytest
from small_training import FAST, write

from edgepress.core import artifact as artifacts
from edgepress.core.eval_file import load_eval
from edgepress.core.manifest import Manifest
from edgepress.data.context import Context

SMALL = ("--batch-size", 8, "--gate", "params <= 1e9", "--gate", "map >= 0")
VAL = ("--judged-on", "val")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The parts whose images a command asks for."""
    found: set[str] = set()
    rows = Context.rows
    monkeypatch.setattr(
        Context, "rows", lambda context, part: found.add(part) or rows(context, part)
    )
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("judged") / "data", lambda row: (row % 2, row // 2 % 2))


@pytest.fixture
def run(command, data: Path, tmp_path: Path):
    """Run a stage into a folder of its own and return its manifest."""

    def to(out: str, module: str, *given: object) -> Manifest:
        done = command(module, "--data", data, "--out", tmp_path / out, *given)
        assert done.code == 0, done.err
        return artifacts.load(tmp_path / out).manifest

    return to


@pytest.fixture
def student(run, tmp_path: Path) -> Path:
    """A student of which validation images alone have told anything."""
    run("teacher", "compress.train", *FAST)
    taught = ("--teacher", tmp_path / "teacher", "--student", tmp_path / "teacher", "--epochs", 1)
    how = ("--method", "soft-labels", "--control")
    run("student", "compress.distill", *taught, *how, *SMALL, *VAL)
    return tmp_path / "student"


def accuracy(verdicts) -> list[str]:
    return [one.gate for one in verdicts if one.gate.startswith("map")]


def test_no_stage_asks_for_a_test_image(run, asked: set[str], tmp_path: Path) -> None:
    run("teacher", "compress.train", *FAST, *VAL, "--gate", "map >= 0")
    teacher = ("--teacher", tmp_path / "teacher", "--student", tmp_path / "teacher")
    drop = ("--gate", "map drop <= 1")
    taught = ("--method", "soft-labels", "--control", "--epochs", 1)
    run("student", "compress.distill", *teacher, *taught, *SMALL, *drop, *VAL)
    run("pruned", "compress.prune", "--model", tmp_path / "student", "--macs", 0.9, "--round-to",
        1, "--rounds", 1, "--epochs", 0, *SMALL, *VAL)  # fmt: skip
    run("file", "export.onnx", "--model", tmp_path / "pruned", *drop, *VAL)
    assert asked == {"train", "val"}
    for name in ("teacher", "student", "pruned", "file"):
        model = artifacts.load(tmp_path / name)
        stored = load_eval(model.path / "eval.npz")
        assert (model.manifest.judged_on, len(stored.image_ids)) == ("val", 8)
        assert model.manifest.measurements.map == stored.map
        assert all(
            one.reason.endswith("on validation images")
            for one in model.manifest.verdicts
            if one.gate.startswith("map")
        )
    gain = artifacts.load(tmp_path / "student").manifest.distillation.gain
    assert gain is not None  # the control was held against the student on the same images


def test_the_default_is_the_test_part(run, asked: set[str], tmp_path: Path) -> None:
    made = run("teacher", "compress.train", *FAST)
    assert "test" in asked
    assert (made.judged_on, load_eval(tmp_path / "teacher" / "eval.npz").on_validation) == (
        "test",
        False,
    )


def test_an_export_leaves_out_what_validation_said_of_its_network(
    run, student: Path, tmp_path: Path
) -> None:
    made = run("anew", "export.onnx", "--model", student)
    assert made.judged_on == "test"
    assert [one.gate for one in made.parent_verdicts] == ["params <= 1000000000"]
    assert any("judged on validation" in note for note in made.notes)
    assert not load_eval(tmp_path / "anew" / "eval.npz").on_validation


def test_a_comparison_measures_it_anew(command, student: Path, data: Path, tmp_path: Path) -> None:
    models, told = (tmp_path / "teacher", student), (tmp_path / "out", tmp_path / "test.json")
    given = ("--data", data, "--no-latency", "--out", told[0])
    assert command("benchmarks.compare", *models, *given).code == 0
    entry = json.loads((told[0] / "report.json").read_text())["models"][1]
    given = ("--model", student, "--data", data, "--out", told[1])
    assert command("benchmarks.accuracy", *given).code == 0
    assert entry["map"] == pytest.approx(json.loads(told[1].read_text())["map"])
    assert entry["map"] != pytest.approx(artifacts.load(student).manifest.measurements.map)
    assert [one["gate"] for one in entry["gates"]] == ["params <= 1000000000"]
    assert entry["distillation"]["gain"] is None


def test_it_is_not_bundled(run, command, student: Path, data: Path, tmp_path: Path) -> None:
    run("file", "export.onnx", "--model", student, *VAL)
    out = tmp_path / "file.zip"
    done = command(
        "export.bundle.__main__", "--model", tmp_path / "file", "--data", data, "--out", out
    )
    assert done.code == 2
    assert "judged on validation images" in done.err
    assert not out.exists()


def test_thresholds_learnt_again_are_judged_on_the_test_part(
    run, student: Path, tmp_path: Path
) -> None:
    made = run("again", "benchmarks.thresholds.__main__", "--model", student, "--thresholds", "f1")
    stored = load_eval(tmp_path / "again" / "eval.npz")
    assert (made.judged_on, accuracy(made.verdicts)) == ("test", [])
    assert not stored.on_validation
    assert made.measurements.map == stored.map
