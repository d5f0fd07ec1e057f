"""Several networks trained alike and compared, and what is refused before the first training."""

import json
import os
from pathlib import Path

import pytest
from colours import MakeModel
from places import ROOT, SUPPORT


@pytest.mark.slow
@pytest.mark.usefixtures("timed_once")
def test_a_network_is_trained_exported_and_compared_with_a_ready_file(
    make_model: MakeModel, colours: Path, tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(SUPPORT)]))
    ready, out = make_model("ready", convs=1).path, tmp_path / "out"
    words = (
        *(ready, "--arch", "tiny_network:build", "--data", colours, "--out", out),
        *("--train", "epochs=1", "batch_size=8", "image_size=32", "weights=random"),
        *("gate=map >= 0.1", "--budget", "size <= 1GB", "--budget", "peak_rss <= 10GB"),
    )
    done = command("benchmarks.architectures", *words)
    assert done.code == 0, done.err
    report = json.loads((out / "report.json").read_text())
    names = [model["name"] for model in report["models"]]
    assert names == ["ready", "tiny_network.build"]
    assert report["recommendation"]["chosen"] in names
    for model in report["models"]:
        assert set(model["latency_s"]) == {"cpu:1"}
        assert model["map"] is not None
        assert [gate["verdict"] for gate in model["budget"]] == ["pass", "pass"]
    assert report["models"][1]["macs"] > 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--arch", "resnet18"), "nothing to compare"),
        (("--arch", "resnet18", "--arch", "resnet18"), "named twice"),
        (("--arch", "resnet18", "--arch", "resnett18"), "did you mean 'resnet18'"),
        (("--arch", "a:b", "--arch", "a:c", "--train", "epochs"), "NAME=VALUE"),
        (("--arch", "a:b", "--arch", "a:c", "--train", "out=x"), "but arch, data and out"),
        (("--arch", "a:b", "--arch", "a:c", "--budget", "map drop <= 1"), "what the device has"),
        (("nowhere", "--arch", "a:b"), "nowhere"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_training(
    command, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = command("benchmarks.architectures", *words, "--out", tmp_path / "out")
    assert done.code == 2
    assert told in done.err
    assert not (tmp_path / "out").exists()


def test_a_training_that_fails_ends_the_command(command, colours: Path, tmp_path: Path) -> None:
    words = ("--arch", "no_module:x", "--arch", "no_module:y", "--data", colours)
    done = command("benchmarks.architectures", *words, "--out", tmp_path / "out")
    assert done.code == 2
    assert "The command failed" in done.err
    assert "cannot be imported" in done.err
