"""`--budget`: read before any work, kept to, and what it bought is told in the manifest."""

import re
from pathlib import Path

import numpy as np
import pytest

from edgepress.core import artifact as artifacts
from edgepress.core import duration
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import Manifest
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped
from export import targets
from export.making.int8 import making
from export.onnx import Config, run


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("90s", 90), ("1.5m", 90), ("10m", 600), ("1h", 3600), (" 2 m ", 120)],
)
def test_a_duration_is_a_number_and_perhaps_a_unit(text: str, seconds: float) -> None:
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "nonsense", "-5", "5d", "1m30s", "m", "1.m", "1e3", "inf"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not a duration"):
        duration.seconds(text)


def made(model: Artifact, data: Path, out: Path, *more: str) -> Manifest:
    """Run the command and return the manifest of what it made."""
    gate = ["--gate", "size ratio <= 0.9"]
    assert main(Config, run, [*arguments(model, data, out), *gate, *more]) == 0
    return artifacts.load(out).manifest


def arguments(model: Artifact, data: Path, out: Path) -> list[str]:
    """Return a command line for the tiny data."""
    common = ["--quantize", "int8", "--target", "cpu-vnni", "--calibration-images", "8"]
    common += ["--emulate", "0"]
    return ["--model", str(model.path), "--data", str(data), "--out", str(out), *common]


@pytest.mark.parametrize("text", ["nonsense", "5 days"])
def test_nonsense_ends_with_2_before_any_work(
    text: str,
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [*arguments(trained, data_folder, tmp_path / "out"), "--budget", text]
    assert main(Config, run, command) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "--budget is not a duration" in told
    assert text in told
    assert "90s" in told, "an example of what is allowed"
    assert list(tmp_path.iterdir()) == []


def test_no_budget_makes_the_file_without_a_search(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    found = made(trained, data_folder, tmp_path / "out", "--budget", "0")
    (step,) = found.search
    assert step.kept
    assert (step.speedup, step.map_drop) == (None, None)
    assert found.measurements.int8_convs_fused == 3


def test_the_manifest_holds_the_steps_in_order(
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the search is told by the way is what it wrote down; test images stay unseen."""
    seen: list[np.ndarray] = []
    evaluate = making.evaluate

    def watched(model: Artifact, data: Dataset, images: Grouped, settings: object) -> object:
        seen.append(images.rows)
        return evaluate(model, data, images, settings)

    monkeypatch.setattr(making, "evaluate", watched)
    found = made(trained, data_folder, tmp_path / "out", "--budget", "0.001s")
    first, last = found.search
    here = targets.resolve("cpu-vnni").runs_here(this_cpu().kind)
    assert (first.speedup is not None) == here
    assert first.map_drop is None
    assert last.map_drop is not None
    assert all(step.kept and step.seconds > 0 for step in found.search)
    told = re.sub(r"\s+", " ", capsys.readouterr().err)
    places = [told.index(step.change) for step in found.search]
    assert places == sorted(places)
    val = context_of(dataset, trained).rows("val")
    assert [set(rows) for rows in seen] == [set(val)] * 2, "the float file, and the int8 one"
    assert not set(val) & set(context_of(dataset, trained).rows("test"))


def test_a_float_export_searches_for_nothing(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "fp32"
    command = ["--model", str(trained.path), "--data", str(data_folder), "--out", str(out)]
    assert main(Config, run, command) == 0
    assert artifacts.load(out).manifest.search == ()
