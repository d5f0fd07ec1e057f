"""A command leaves its process as it found it: the next step of a recipe is as it were alone."""

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scenes as scene_maker
import torch
from process_state import state

from compress.learning.loop.run import Run
from edgepress.core import artifact as artifacts
from models.basis import torch_process

TINY = ("--epochs", 1, "--gate", "map >= 0")
FRESH = ("--arch", "tiny_network:build", "--weights", "random", "--image-size", 48)
INT8 = (
    "--quantize", "int8", "--calibration-images", 16, "--budget", "10s", "--emulate", 0,
    "--gate", "map >= 0",
)  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene_maker.write(tmp_path_factory.mktemp("few"), n=160)


@pytest.fixture(scope="module")
def models(few: Path, tmp_path_factory: pytest.TempPathFactory, shell) -> Path:
    """Return a folder with a network, `net`, and its ONNX file, `onnx`."""
    folder = tmp_path_factory.mktemp("models")
    train = ("compress.train", *FRESH, *TINY, "--data", few, "--out", folder / "net")
    export = ("export.onnx", "--model", folder / "net", "--data", few, "--out", folder / "onnx")
    done = shell("in_turn", *train, "then", *export)
    assert done.code == 0, done.err
    return folder


COMMANDS = {
    "train": ("compress.train", *FRESH, *TINY, "--data", "FEW", "--out", "OUT"),
    "train in bfloat16": (
        "compress.train", *FRESH, *TINY, "--mixed-precision", "bf16",
        "--data", "FEW", "--out", "OUT",
    ),
    "prune": (
        "compress.prune", "--model", "NET", "--macs", 0.7, "--rounds", 1, "--round-to", 8,
        "--epochs", 1, "--data", "FEW", "--out", "OUT",
    ),
    "distill": (
        "compress.distill", "--teacher", "NET", "--student", "NET", *TINY,
        "--data", "FEW", "--out", "OUT",
    ),
    "export": ("export.onnx", "--model", "NET", "--data", "FEW", "--out", "OUT"),
    "int8": ("export.onnx", "--model", "NET", *INT8, "--data", "FEW", "--out", "OUT"),
    "int8 by NNCF": (
        "export.onnx", "--model", "ONNX", "--target", "openvino", *INT8,
        "--data", "FEW", "--out", "OUT",
    ),
    "accuracy of a network": (
        "benchmarks.accuracy", "--model", "NET", "--threads", 1, "--data", "FEW",
    ),
    "accuracy in OpenVINO": (
        "benchmarks.accuracy", "--model", "ONNX", "--provider", "openvino", "--data", "FEW",
    ),
    "latency": ("benchmarks.latency", "--models", "ONNX", "--rounds-min", 3, "--rounds-max", 3),
    "profile": ("benchmarks.profile", "ONNX"),
    "calibration": ("benchmarks.thresholds.__main__", "--show", "NET", "--data", "FEW"),
    "robustness": (
        "benchmarks.robustness.__main__", "NET", "--images", 8, "--corruption", "blur",
        "--threads", 1, "--data", "FEW", "--out", "OUT",
    ),
    "thresholds": (
        "benchmarks.thresholds.__main__", "--model", "NET", "--data", "FEW", "--out", "OUT",
    ),
    "bundle": ("export.bundle.__main__", "--model", "ONNX", "--data", "FEW", "--out", "OUT.zip"),
}  # fmt: skip


@pytest.mark.usefixtures("timed_once")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_the_process_as_it_was(
    name: str, few: Path, models: Path, tmp_path: Path, command, monkeypatch
):
    stand_ins = {"FEW": few, "NET": models / "net", "ONNX": models / "onnx"}
    module, *arguments = COMMANDS[name]
    given = [
        tmp_path / str(word) if str(word).startswith("OUT") else stand_ins.get(word, word)
        for word in arguments
    ]
    seen = _watch(module, monkeypatch)
    with torch_process.threads(3):
        done = command(module, *given)
    assert done.code == 0, done.err
    before, after = seen
    for key, value in before.items():
        assert after[key] == value, key


def _watch(module: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Note the state before and after a command's work, without its command line and imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("nncf", "onnxscript", "torch.onnx", "torch.utils.cpp_extension"):
            importlib.import_module(name)  # they change paths, levels and filters
        loaded = importlib.import_module(module)
    seen: list[dict[str, Any]] = []
    run = loaded.run

    def watched(config: object) -> object:
        seen.append(state())
        found = run(config)
        seen.append(state())
        return found

    monkeypatch.setattr(loaded, "run", watched)
    return seen


def test_training_after_measuring_is_as_alone(
    few: Path, models: Path, tmp_path: Path, command, shell: Callable, monkeypatch
):
    learn = ("compress.distill", "--teacher", models / "net", "--student", models / "net", *TINY)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    done = shell(*learn, "--data", few, "--out", tmp_path / "alone")
    assert done.code == 0, done.err
    started: list[int] = []
    epoch = Run.epoch

    def watched(run: Run, number: int) -> float:
        started.append(torch.get_num_threads())
        return epoch(run, number)

    monkeypatch.setattr(Run, "epoch", watched)
    with torch_process.threads(2):
        for first in ("accuracy of a network", "export"):
            module, *_ = COMMANDS[first]
            given = ("--model", models / "net", "--data", few, "--threads", 1)
            out = ("--out", tmp_path / "onnx") if first == "export" else ()
            assert command(module, *given, *out).code == 0
        assert command(*learn, "--data", few, "--out", tmp_path / "after").code == 0
    assert started == [2]
    alone, after = (
        artifacts.load(tmp_path / name).manifest.files["model.safetensors"]
        for name in ("alone", "after")
    )
    assert after == alone


def test_two_trainings_of_one_process_choose_their_own_precision(
    few: Path, tmp_path: Path, command
):
    for precision in ("no", "bf16", "no"):
        done = command(
            "compress.train", *FRESH, *TINY, "--mixed-precision", precision, "--data", few,
            "--out", tmp_path / precision, "--seed", len(precision),
        )  # fmt: skip
        assert done.code == 0, done.err
    assert artifacts.load(tmp_path / "bf16").manifest.config["mixed_precision"] == "bf16"
