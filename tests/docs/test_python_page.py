"""The code of the page on Python runs as it stands, on small networks."""

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import pages
import pytest

from edgepress.core import artifact as artifacts

SHORT = {"batch_size": 64, "epochs": 1, "gate": ("map >= 0",)}
LEFT_OUT: dict[str, dict[str, Any]] = {
    "compress.train": SHORT | {"weights": "random", "image_size": 32},
    "compress.prune": SHORT | {"rounds": 1, "gate": ("macs ratio <= 0.9",)},
    "compress.distill": SHORT,
    "export.onnx": {"budget": "0", "emulate": 0, "gate": ("int8_convs >= 1",)},
    "benchmarks.compare": {},
}
"""Options that the page leaves to their defaults, for which a test has no time."""
INSTEAD = {"efficientnet_lite0": "resnet10t"}
"""What the page says, and what a test has time for."""


@pytest.mark.slow
def test_the_code_runs(
    scenes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells").symlink_to(scenes)
    for name, options in LEFT_OUT.items():
        module = importlib.import_module(name)
        monkeypatch.setattr(module, "Config", partial(module.Config, **options))
    page = "\n".join(pages.blocks(pages.DOCS / "python.md", "python"))
    for said, done in INSTEAD.items():
        page = page.replace(said, done)
    exec(compile(page, "python.md", "exec"), {})
    out = capsys.readouterr().out
    assert artifacts.load(tmp_path / "runs" / "student-int8").manifest.precision == "int8"
    assert (tmp_path / "runs" / "page" / "report.html").is_file()
    assert "size <= 1000" in out, "the gate that fails is told"
    assert "(1, 238, 10)" in out, "the shape of the scores"
