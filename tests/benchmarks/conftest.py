"""Tiny models and images to measure: the labels of an image are its colours."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, LABELS, NAMES, SIZE, SPEC, MakeModel, write_onnx
from PIL import Image

from benchmarks.report.schema import Report
from compress.core import artifact as artifacts
from compress.core.artifact import Artifact
from compress.core.manifest import Manifest

SAMPLE = Path(__file__).parent / "report" / "sample.py"


@pytest.fixture
def full_report() -> Report:
    """Return a report with everything in it, of nothing that was measured."""
    report: Report = runpy.run_path(str(SAMPLE))["recommending_report"]()
    return report


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Return a function that saves an ONNX artifact."""

    def make(
        name: str,
        head: np.ndarray = COLOURS,
        convs: int = 0,
        parents: tuple[str, ...] = (),
    ) -> Artifact:
        work = tmp_path / f".{name}"
        work.mkdir()
        write_onnx(work / "model.onnx", head, convs)
        manifest = Manifest(
            id=name,
            stage="tests",
            config={},
            parents=parents,
            kind="onnx",
            image=SPEC,
            labels=LABELS,
            data=None,
        )
        return artifacts.save(tmp_path / name, work, manifest)

    return make


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 80 images of one colour each and the table of their labels."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "colours"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", *NAMES])
        for number in range(80):
            colour = rng.integers(0, 256, 3)
            noise = rng.integers(-20, 20, (SIZE, SIZE, 3))
            pixels = np.clip(colour + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
            table.writerow([f"{number}.png", *(int(value > 127) for value in colour[:2])])
    return folder
