"""The commands of this room, as a script would call them."""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from colours import COLOURS, MakeModel, write_onnx

WRONG = COLOURS[::-1].copy()
"""A head that reads other colours: a planted drop."""


def test_accuracy(make_model: MakeModel, colours: Path, command) -> None:
    model = make_model("model")
    done = command("benchmarks.accuracy", "--model", model.path, "--data", colours)
    assert done.code == 0, done.err
    for expected in ("mAP", "red", "green", "95% interval", "calibration", "can certify"):
        assert expected in done.out


def test_accuracy_of_a_bare_file_on_another_part(tmp_path: Path, colours: Path, command) -> None:
    write_onnx(tmp_path / "bare.onnx", COLOURS)
    words = ("--model", tmp_path / "bare.onnx", "--data", colours, "--part", "train")
    done = command("benchmarks.accuracy", *words)
    assert done.code == 0, done.err
    assert "part train" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("benchmarks.accuracy", "--model", "nowhere"), "Not an artifact"),
        (("benchmarks.latency", "--models", "nowhere"), "Not an artifact"),
        (("benchmarks.compare", "nowhere"), "Not an artifact"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], message: str, command
) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert message in done.err


def test_a_command_in_a_process_of_its_own_ends_with_one_message_and_2(shell) -> None:
    done = shell("benchmarks.gate", "--gate", "mop <= 1")
    assert done.code == 2
    assert "did you mean 'map'" in done.err
    assert "Traceback" not in done.err


def test_unavailable_provider_is_exit_code_2(make_model: MakeModel, colours: Path, command) -> None:
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    model = make_model("model")
    for module, *rest in (
        ("benchmarks.latency", "--models", model.path),
        ("benchmarks.accuracy", "--model", model.path, "--data", colours),
    ):
        done = command(module, *rest, "--provider", "cuda")
        assert done.code == 2
        assert "not available here" in done.err
        assert "pip" in done.err


def test_runtimes_lists_every_runtime(command) -> None:
    done = command("benchmarks.runtimes.__main__")
    assert done.code == 0
    for name in ("cpu", "cuda", "torch", "webgpu"):
        assert name in done.out


@pytest.mark.parametrize(
    ("head", "code", "word"), [(COLOURS, 0, "PASS"), (WRONG, 3, "FAIL")], ids=["same", "planted"]
)
def test_gate_ends_by_its_verdict(
    make_model: MakeModel, colours: Path, head: np.ndarray, code: int, word: str, command
) -> None:
    old, new = make_model("old"), make_model("new", head)
    done = command(
        "benchmarks.gate", "--candidate", new.path, "--baseline", old.path, "--data", colours,
        "--gate", "map drop <= 0.1", "--gate", "size ratio <= 1",
    )  # fmt: skip
    assert done.code == code, done.err
    assert word in done.out
    assert "size is 100.00% of the reference's" in done.out


def test_gate_finds_the_parent_and_missing_evidence_fails(make_model: MakeModel, command) -> None:
    make_model("old")
    new = make_model("new", parents=("old",))
    done = command("benchmarks.gate", "--candidate", new.path, "--gate", "macs ratio <= 1")
    assert done.code == 3
    assert "not measured" in done.out


def test_gate_that_cannot_be_decided_is_exit_code_4(
    make_model: MakeModel, colours: Path, command
) -> None:
    rng = np.random.default_rng(0)
    blurred = COLOURS + rng.normal(0, 0.25, COLOURS.shape).astype(np.float32)
    old, new = make_model("old", blurred), make_model("new", blurred + 0.05)
    done = command(
        "benchmarks.gate", "--candidate", new.path, "--baseline", old.path, "--data", colours,
        "--gate", "map drop <= 0.0001",
    )  # fmt: skip
    assert done.code == 4, done.out + done.err
    assert "INCONCLUSIVE" in done.out


def test_compare_writes_a_report(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    old = make_model("old")
    new = make_model("new", WRONG, parents=("old",))
    done = command(
        "benchmarks.compare", old.path, new.path, "--out", tmp_path / "report", "--data", colours,
        "--no-latency", "--gate", "map drop <= 0.01", "--gate", "size ratio <= 1 vs old",
    )  # fmt: skip
    assert done.code == 3, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["verdict"] == "fail"
    first, last = report["models"]
    assert (first["name"], last["name"], last["parent"]) == ("old", "new", "old")
    assert [gate["verdict"] for gate in last["gates"]] == ["fail", "pass"]
    assert last["gates"][0]["against"] == "old"
    assert first["gates"] == []
    assert first["map"] > last["map"]
    assert set(first["pr_curves"]) == {"red", "green"}
    assert report["data"]["n_test"] > 0
    assert "benchmarks.compare" in report["command"]
    assert (tmp_path / "report" / "report.html").is_file()


@pytest.mark.timing
def test_compare_times_the_models(
    make_model: MakeModel, colours: Path, tmp_path: Path, shell
) -> None:
    models = [make_model("old", convs=2).path, make_model("new").path]
    words = ("benchmarks.compare", *models, "--latency-time", 0)  # 12 rounds
    done = shell("timed_once", *words, "--out", tmp_path / "report", "--data", colours)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    first, last = report["models"]
    assert last["speedup"]["cpu:1"]["ratio"] > 1.2
    assert last["latency_s"]["cpu:1"]["p50"] < first["latency_s"]["cpu:1"]["p50"]
    assert len(last["latency_samples_s"]["cpu:1"]) >= 12
    assert report["aa"]["cpu:1"]["ci95"][0] <= report["aa"]["cpu:1"]["ratio"]
