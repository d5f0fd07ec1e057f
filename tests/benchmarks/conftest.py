"""Tiny models and images to measure: the labels of an image are its colours."""

from pathlib import Path

import numpy as np
import pytest
import report_sample
from colours import COLOURS, LABELS, SPEC, MakeModel, paint, write_onnx

from benchmarks.report.schema import Report
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.manifest import Manifest


@pytest.fixture
def full_report() -> Report:
    """Return a report with everything in it, of nothing that was measured."""
    return report_sample.recommending_report()


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
    return paint(tmp_path / "colours", 80)
