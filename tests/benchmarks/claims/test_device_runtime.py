"""The figures of a bundle's runtime: measured on a real bundle of a tiny model."""

from pathlib import Path

import device_bundles
import pytest

from benchmarks.claims.device.load import Loaded
from benchmarks.claims.device.result import Result


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with its runtime."""
    content = device_bundles.files(content=device_bundles.model(layers=20))
    path = tmp_path_factory.mktemp("bundle") / "tiny.zip"
    return device_bundles.zipped(path, device_bundles.complete(content, precision="fp32"))


def loaded(*resident_mb: float, answered: int = 1, failed: int = 0) -> Loaded:
    samples = tuple(int(1e6 * one) for one in resident_mb)
    return Loaded(answered, failed, samples, max(samples))


@pytest.mark.slow
def test_every_figure_is_measured(command, bundle: Path, tmp_path: Path):
    out = tmp_path / "device.json"
    done = command("benchmarks.claims.device.__main__", bundle, "--load-s", 2, "--out", out)
    assert done.code in (0, 3), done.err  # a machine may be slow; a tiny model's time is short
    result = Result.model_validate_json(out.read_text())
    assert result.bundle == "scenes, release 1"
    packages, overhead, start, memory, growth = result.checks
    assert packages.met is True
    assert packages.measured == "PIL, numpy, onnxruntime"
    assert overhead.measured.endswith(")")
    assert len(start.runs) == 11
    assert memory.met is True
    assert " 0 failures" in growth.measured
    assert "; 0 answers" not in growth.measured
    missed = [check.name for check in result.checks if check.met is False]
    assert done.code == (3 if missed else 0)


def test_growth_is_told_from_noise():
    assert loaded(50, 60, *[61, 60] * 9).growth_bytes() == 0
    assert loaded(*range(50, 70)).growth_bytes() == pytest.approx(12e6, abs=1e6)
    assert loaded(50).growth_bytes() == 0


def test_a_file_that_is_no_bundle_is_bad_input(command, tmp_path: Path):
    (tmp_path / "b.zip").write_bytes(b"no zip")
    done = command("benchmarks.claims.device.__main__", tmp_path / "b.zip")
    assert done.code == 2
    assert "not a readable zip file" in done.err


def test_a_bundle_without_a_runtime_is_bad_input(command, tmp_path: Path):
    path = device_bundles.zipped(tmp_path / "b.zip", device_bundles.files())
    done = command("benchmarks.claims.device.__main__", path)
    assert done.code == 2
    assert "no runtime" in done.err
