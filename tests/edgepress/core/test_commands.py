"""The command that makes a model again can be typed."""

import shlex
from pathlib import Path

import pytest
from colours import LABELS, SPEC

from edgepress.core.commands import made_by
from edgepress.core.hashing import ROOT
from edgepress.core.manifest import Manifest


def manifest(stage: str, **config: object) -> Manifest:
    """Return the manifest of a model that a stage has made with these options."""
    return Manifest(
        id="one", stage=stage, config=config, kind="onnx", image=SPEC, labels=LABELS, data=None
    )


def test_options_become_flags() -> None:
    made = made_by(
        manifest("compress.prune", macs=0.3, gate=["macs ratio <= 0.4", "map >= 0.5"], keep=[],
                 latency=None, skip_bad_images=False, batch_size=16)
    )  # fmt: skip
    assert made is not None
    assert shlex.split(made) == [
        "python", "-m", "compress.prune", "--macs", "0.3",
        "--gate", "macs ratio <= 0.4", "map >= 0.5", "--no-skip-bad-images", "--batch-size", "16",
    ]  # fmt: skip


def test_a_path_in_the_repository_is_told_from_its_root(tmp_path: Path) -> None:
    inside = made_by(manifest("export.onnx", model=str(ROOT / "models" / "zoo" / "teacher")))
    outside = made_by(manifest("export.onnx", model=str(tmp_path)))
    assert inside == f"python -m export.onnx --model {Path('models/zoo/teacher')}"
    assert str(tmp_path) in str(outside)


@pytest.mark.parametrize("stage", ["tests", "somewhere.else"])
def test_a_model_from_elsewhere_has_no_command(stage: str) -> None:
    assert made_by(manifest(stage, epochs=3)) is None
    assert made_by(manifest("compress.train")) is None
