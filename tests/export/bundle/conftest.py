"""An int8 artifact of the tiny network, and the bundle made of it."""

from pathlib import Path

import pytest

from edgepress.core.artifact import Artifact
from edgepress.device.bundle import archive
from export import onnx
from export.bundle.__main__ import Config, run


@pytest.fixture(scope="session")
def exported(
    trained: Artifact, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """An int8 artifact that passed its gate."""
    config = onnx.Config(
        model=trained.path,
        data=str(data_folder),
        out=tmp_path_factory.mktemp("bundle") / "tiny-int8",
        quantize="int8",
        target="cpu-vnni",
        budget="0",
        emulate=0,
        calibration_images=16,
        gate=("int8_convs >= 1",),
    )
    return onnx.run(config)


@pytest.fixture(scope="session")
def packed(exported: Artifact, data_folder: Path) -> Path:
    """The bundle."""
    return run(
        Config(
            model=exported.path,
            data=str(data_folder),
            out=exported.path.with_name("tiny.zip"),
            latency_budget="10s",
        )
    )


@pytest.fixture(scope="session")
def unpacked(packed: Path) -> Path:
    """The bundle, unpacked."""
    folder = packed.with_suffix("")
    archive.unpack(archive.read(packed), folder)
    return folder
