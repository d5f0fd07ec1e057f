"""A baseline is looked for where a gate compares, and what is damaged stops no search."""

import json
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, MakeModel

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.data.dataset import open_data
from edgepress.data.grouping import Grouped
from models import defaults

ACCURATE = ("--gate", "map >= 0.5")


@pytest.fixture
def candidate(make_model: MakeModel) -> Path:
    return make_model("int8", np.copy(COLOURS), parents=("parent",)).path


def damage(tmp_path: Path, make_model: MakeModel) -> None:
    """Put beside the models what the search for one has to pass over."""
    converted = tmp_path / "a-converted"
    converted.mkdir()
    (converted / "manifest.json").write_text(json.dumps({"format": "ort"}))
    (tmp_path / "b-damaged").mkdir()
    (tmp_path / "b-damaged" / "manifest.json").write_text("{")
    altered = make_model("c-altered", np.copy(COLOURS)).path
    (altered / "model.onnx").write_bytes(b"x")
    (make_model("d-gone", np.copy(COLOURS)).path / "model.onnx").unlink()


def test_an_absolute_gate_needs_no_baseline(
    candidate: Path, colours: Path, command, monkeypatch
) -> None:
    def search(*_: object) -> None:
        raise AssertionError("a baseline was looked for")

    with monkeypatch.context() as searched:
        searched.setattr("edgepress.core.artifact.with_id", search)
        done = command("benchmarks.gate", "--candidate", candidate, "--data", colours, *ACCURATE)
    assert done.code == 0, done.err
    assert "PASS" in done.out
    refused = command("benchmarks.gate", "--candidate", candidate, "--data", colours)
    assert refused.code == 2
    assert "The model that the candidate was made from is not here" in refused.err


def test_the_parent_is_found_beside_what_is_no_artifact_or_damaged(
    candidate: Path, colours: Path, tmp_path: Path, make_model: MakeModel, command
) -> None:
    damage(tmp_path, make_model)
    make_model("parent", np.copy(COLOURS))
    gates = ("--gate", "map drop <= 0.5", "--gate", "size ratio <= 2")
    words = ("--candidate", candidate, "--data", colours, *gates)
    done = command("benchmarks.gate", *words)
    assert done.code == 0, done.err
    assert done.out.count("PASS") == 2


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("ap[gren] >= 0.5", "did you mean 'green'"),
        ("map drop <= 0.1 vs int8", "Got: int8. Allowed: parent"),
        ("map drop <= 0.1 vs parnt", "did you mean 'parent'"),
        ("drifting <= 0.1", "drifting is not measured here"),
    ],
)
def test_what_no_measurement_can_decide_is_refused_before_one(
    candidate: Path, make_model: MakeModel, tmp_path: Path, command, gate: str, told: str
) -> None:
    make_model("parent", np.copy(COLOURS))
    words = ("--candidate", candidate, "--data", tmp_path / "nowhere", "--gate", gate)
    done = command("benchmarks.gate", *words)
    assert done.code == 2
    assert told in done.err


@pytest.mark.parametrize(
    ("models", "gate", "told"),
    [
        (1, "map drop <= 0.1", "here is none"),
        (1, "agreement >= 0.9", "here is none"),
        (2, "map drop <= 0.1 vs second", "Got: second. Allowed: first"),
        (2, "ap[gren] >= 0.5", "did you mean 'green'"),
        (2, "latency p50 <= 1s", "latency is not measured here"),
    ],
)
def test_compare_holds_no_model_against_itself(
    make_model: MakeModel, tmp_path: Path, command, models: int, gate: str, told: str
) -> None:
    paths = [make_model(name, np.copy(COLOURS)).path for name in ("first", "second")[:models]]
    out = tmp_path / "out"
    words = (*paths, "--no-latency", "--data", tmp_path / "nowhere", "--out", out, "--gate", gate)
    done = command("benchmarks.compare", *words)
    assert done.code == 2
    assert told in done.err


def test_the_newest_artifact_is_found_beside_damaged_ones(
    tmp_path: Path, make_model: MakeModel, monkeypatch, capfd
) -> None:
    good = make_model("good", np.copy(COLOURS)).path
    damage(tmp_path, make_model)
    monkeypatch.setattr(defaults, "RUNS", tmp_path)
    assert defaults.default_model("onnx") == good
    said = capfd.readouterr().err
    for name in ("b-damaged", "c-altered", "d-gone"):
        assert "warning: passed over: " in said
        assert name in said
    assert "a-converted" not in said


def test_a_named_one_that_is_damaged_is_refused(tmp_path: Path, make_model: MakeModel) -> None:
    damage(tmp_path, make_model)
    with pytest.raises(UserError, match="altered"):
        artifacts.load(tmp_path / "c-altered")


@pytest.mark.parametrize("module", ["compare", "gate", "robustness.__main__"])
def test_bad_images_are_passed_over_where_models_are_compared(
    make_model: MakeModel, colours: Path, tmp_path: Path, command, module: str
) -> None:
    (colours / "7.png").write_text("no image")
    first, second = (make_model(name, np.copy(COLOURS)).path for name in ("first", "second"))
    words = {
        "compare": (first, second, "--no-latency", "--no-images", "--out", tmp_path / "out"),
        "gate": ("--candidate", second, "--baseline", first, "--gate", "map drop <= 0.5"),
        "robustness.__main__": (first, second, "--corruption", "blur", "--images", 8,
                                "--out", tmp_path / "out"),
    }[module]  # fmt: skip
    refused = command(f"benchmarks.{module}", *words, "--data", colours)
    assert refused.code == 2
    assert "7.png" in refused.err
    done = command(f"benchmarks.{module}", *words, "--data", colours, "--skip-bad-images")
    assert done.code == 0, done.err
    assert "1 of 80 images were skipped" in done.err


def test_a_missed_budget_is_not_hidden_by_an_undecided_gate(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    wrong = np.array([[1.0, 0.3], [0.0, 1.0], [0.0, 0.0]], np.float32)
    first, second = make_model("first", np.copy(COLOURS)).path, make_model("second", wrong).path
    words = (first, second, "--no-latency", "--data", colours, "--out", tmp_path / "out")
    told = command("benchmarks.compare", *words, "--gate", "map drop <= 0")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    low, high = report["models"][1]["gates"][0]["ci95"]
    limit = ("--gate", f"map drop <= {(low + high) / 2}")
    undecided = command("benchmarks.compare", *words, *limit)
    assert undecided.code == 4, (told.err, undecided.err)
    both = command("benchmarks.compare", *words, *limit, "--budget", "size <= 10B")
    assert both.code == 3, "the worst of both"
    assert "none keeps size" in both.err


def test_no_image_is_never_evaluated(make_model: MakeModel, colours: Path) -> None:
    model, data = make_model("model", np.copy(COLOURS)), open_data(str(colours))
    with pytest.raises(UserError, match="no image in the part val"):
        evaluate(model, data, Grouped(np.array([], np.intp), part="val"), EvalSettings())


@pytest.mark.parametrize(
    ("module", "option"),
    [
        ("benchmarks.accuracy", "--model"),
        ("benchmarks.compare", None),
        ("benchmarks.errors.__main__", "--model"),
        ("benchmarks.gate", "--candidate"),
        ("benchmarks.robustness.__main__", None),
        ("benchmarks.thresholds.__main__", "--model"),
        ("benchmarks.thresholds.__main__", "--show"),
    ],
)
def test_a_runtime_that_is_not_here_is_refused_before_data_are_read(
    make_model: MakeModel, tmp_path: Path, command, module: str, option: str | None
) -> None:
    model = make_model("model", np.copy(COLOURS)).path
    gate = ("--gate", "map >= 0") if module == "benchmarks.gate" else ()
    words = (*([option] if option else []), model, *gate, "--data", tmp_path / "nowhere")
    done = command(module, *words, "--provider", "cpuu")
    assert done.code == 2
    assert "Unknown provider. Got: cpuu" in done.err


def test_thresholds_refuses_a_label_and_a_place_before_data_are_read(
    make_model: MakeModel, tmp_path: Path, command
) -> None:
    model = make_model("model", np.copy(COLOURS)).path
    words = ("--model", model, "--data", tmp_path / "nowhere")
    module = "benchmarks.thresholds.__main__"
    done = command(module, *words, "--demand", "recall[gren] >= 0.5", "--out", tmp_path / "new")
    assert done.code == 2
    assert "did you mean 'green'" in done.err
    done = command(module, *words, "--out", tmp_path)
    assert done.code == 2
    assert "not an artifact" in done.err


def test_architectures_refuses_a_limit_before_the_first_training(
    colours: Path, tmp_path: Path, command, monkeypatch
) -> None:
    def train(*_: object, **__: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr("benchmarks.architectures.command", train)
    words = ("--arch", "resnet18", "--arch", "resnet34", "--out", tmp_path / "out")
    limit = ("--budget", "ap[gren] >= 0.5")
    done = command("benchmarks.architectures", *words, "--data", colours, *limit)
    assert done.code == 2
    assert "did you mean 'green'" in done.err
