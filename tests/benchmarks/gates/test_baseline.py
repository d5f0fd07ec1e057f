"""A baseline file guards accuracy and size without the model; CI gets JUnit and Markdown."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from colours import COLOURS, MakeModel

from benchmarks.gates import baseline

WRONG = COLOURS[::-1].copy()


@pytest.fixture
def saved(make_model: MakeModel, colours: Path, tmp_path: Path, command) -> Path:
    """Return the baseline file of a good model."""
    file = tmp_path / "baselines" / "good.npz"
    model = make_model("good")
    done = command(
        "benchmarks.compare", model.path, "--data", colours, "--out", tmp_path / "report",
        "--no-latency", "--save", file,
    )  # fmt: skip
    assert done.code == 0, done.err
    return file


def gate(command, candidate: Path, file: Path, *more: object):
    return command("benchmarks.gate", "--candidate", candidate, "--baseline", file, *more)


def test_the_same_model_passes_and_a_worse_one_fails(
    saved: Path, make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    demands = ("--data", colours, "--gate", "map drop <= 0.1", "--gate", "size ratio <= 1.01")
    assert gate(command, tmp_path / "good", saved, *demands).code == 0
    worse = gate(command, make_model("worse", WRONG).path, saved, *demands)
    assert worse.code == 3
    assert "FAIL" in worse.out


def test_the_model_itself_is_not_needed_for_accuracy(
    saved: Path, make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    (tmp_path / "good").rename(tmp_path / "gone")
    candidate = make_model("new").path
    done = gate(command, candidate, saved, "--data", colours, "--gate", "map drop <= 0.1")
    assert done.code == 0, done.err
    refused = gate(command, candidate, saved, "--gate", "latency speedup >= 0.5")
    assert refused.code == 2
    assert "never remembered" in refused.err


def test_latency_is_measured_again_and_only_against_the_same_file(
    saved: Path, make_model: MakeModel, tmp_path: Path, command
) -> None:
    make_model("other", WRONG)
    (tmp_path / "other" / "model.onnx").replace(tmp_path / "good" / "model.onnx")
    done = gate(command, tmp_path / "other", saved, "--gate", "latency speedup >= 0.5")
    assert done.code == 2


def test_other_images_are_refused(saved: Path, make_model: MakeModel, colours: Path, command):
    table = colours / "table.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-5]))
    done = gate(
        command, make_model("new").path, saved, "--data", colours, "--gate", "map drop <= 1"
    )
    assert done.code == 2
    assert "not measured on the same data" in done.err


def test_accuracy_of_another_runtime_is_refused(
    saved: Path, make_model: MakeModel, colours: Path, command
) -> None:
    options = ("--data", colours, "--gate", "map drop <= 1", "--provider", "openvino")
    done = gate(command, make_model("new").path, saved, *options)
    assert done.code == 2
    assert "measured with another runtime" in done.err


@pytest.mark.parametrize("content", [b"", b"not a zip file"])
def test_a_damaged_baseline_is_bad_input(
    content: bytes, make_model: MakeModel, tmp_path: Path, command
) -> None:
    file = tmp_path / "bad.npz"
    file.write_bytes(content)
    done = gate(command, make_model("new").path, file)
    assert done.code == 2
    assert "baseline cannot be read" in done.err


def test_a_model_that_fails_its_gates_is_not_saved(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    file = tmp_path / "bad.npz"
    done = command(
        "benchmarks.compare", make_model("old").path, make_model("new", WRONG).path, "--data",
        colours, "--out", tmp_path / "report", "--no-latency", "--save", file, "--gate",
        "map drop <= 0.01",
    )  # fmt: skip
    assert done.code == 3
    assert not file.exists()


def test_what_is_read_is_what_was_saved(saved: Path, tmp_path: Path) -> None:
    found = baseline.load(saved)
    assert found.name == "good"
    assert found.path == tmp_path / "good"
    assert found.size_bytes == (tmp_path / "good" / "model.onnx").stat().st_size
    assert np.isfinite(found.evaluation.scores).all()


def test_ci_files_say_what_the_exit_code_says(
    saved: Path, make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    junit, markdown = tmp_path / "ci" / "gates.xml", tmp_path / "ci" / "gates.md"
    gates = tmp_path / "gates.toml"
    gates.write_text('gate = ["map drop <= 0.01", "size ratio <= 1.01"]\n')
    done = gate(
        command, make_model("worse", WRONG).path, saved, "--data", colours, "--config", gates,
        "--junit", junit, "--markdown", markdown,
    )  # fmt: skip
    assert done.code == 3
    cases = ElementTree.parse(junit).getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ["map drop <= 0.01", "size ratio <= 1.01"]
    assert [len(case.findall("failure")) for case in cases] == [1, 0]
    text = markdown.read_text()
    assert text.startswith("### worse: fail")
    assert "map drop" in text


def test_ci_files_that_cannot_be_written_are_bad_input(
    saved: Path, make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    (tmp_path / "file").touch()
    done = gate(
        command, make_model("new").path, saved, "--data", colours, "--gate", "size ratio <= 2",
        "--junit", tmp_path / "file" / "gates.xml",
    )  # fmt: skip
    assert done.code == 2
    assert "cannot be written" in done.err
