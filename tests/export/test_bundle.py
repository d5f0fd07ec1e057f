"""The bundle: the same bytes each time, and a device reader that needs no training library."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from compress.core import artifact as artifacts
from compress.core.artifact import Artifact
from compress.core.cli import main
from compress.core.gates import Verdict
from compress.data.dataset import Dataset
from compress.data.images import open_image, to_pixels
from compress.data.pixels import normalise
from export import bundle, onnx
from export.bundle import Config, DeviceManifest, run
from export.device import predict

# What must not be importable on the device; `None` in sys.modules makes an import fail.
BLOCKED = ("torch", "onnx", "pydantic", "compress", "models", "benchmarks", "export")
START = (
    "import runpy, sys; sys.modules.update(dict.fromkeys({blocked}, None)); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.fixture(scope="module")
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
        calibration_images=16,
        gate=("int8_convs >= 1",),
    )
    return onnx.run(config)


@pytest.fixture(scope="module")
def unpacked(exported: Artifact, data_folder: Path) -> Path:
    """The bundle, unpacked."""
    out = exported.path.with_name("tiny.zip")
    run(Config(model=exported.path, data=str(data_folder), out=out))
    folder = out.with_suffix("")
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder)
    return folder


def on_device(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a script where the training libraries cannot be imported."""
    start = [sys.executable, "-I", "-c", START.format(blocked=BLOCKED)]
    return subprocess.run([*start, *command], cwd=folder, capture_output=True, text=True)


def test_same_inputs_same_bytes(exported: Artifact, data_folder: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        run(Config(model=exported.path, data=str(data_folder), out=tmp_path / name))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_manifest_names_every_file(unpacked: Path, exported: Artifact) -> None:
    text = (unpacked / "manifest.json").read_text()
    manifest = DeviceManifest.model_validate_json(text)
    present = {p.relative_to(unpacked).as_posix() for p in unpacked.rglob("*") if p.is_file()}
    assert set(manifest.files) == present - {"manifest.json"}
    for name, entry in manifest.files.items():
        content = (unpacked / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry.sha256, entry.bytes)
    assert manifest.verdicts == exported.manifest.verdicts
    assert manifest.labels == exported.manifest.labels


def test_device_reader_agrees_with_the_pipeline(
    unpacked: Path, exported: Artifact, dataset: Dataset
) -> None:
    photos = [str(path) for path in dataset.paths[:5]]
    done = on_device(unpacked, "predict.py", "model.onnx", *photos)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["file"] for answer in answers] == photos
    spec, labels = exported.manifest.image, exported.manifest.labels
    pixels = np.stack([to_pixels(open_image(path), spec) for path in dataset.paths[:5]])
    expected = bundle.cpu.open_session(exported, 1).run(normalise(pixels, spec))
    got = np.array([[answer["probs"][name] for name in labels.names] for answer in answers])
    np.testing.assert_allclose(got, expected, atol=1e-6)
    for answer, row in zip(answers, expected, strict=True):
        above = row >= np.float32(labels.thresholds)
        assert answer["labels"] == [n for n, yes in zip(labels.names, above, strict=True) if yes]


def test_blocking_does_block(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text("import torch\n")
    done = on_device(tmp_path, "greedy.py")
    assert done.returncode != 0
    assert "torch" in done.stderr


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "P", "1", "LA"])
@pytest.mark.parametrize("crop", ["squash", "center"])
def test_reader_preprocesses_as_the_pipeline(
    mode: str, crop: str, exported: Artifact, tmp_path: Path
) -> None:
    image = bundle_image(mode)
    path = tmp_path / "photo.png"
    image.save(path)
    spec = exported.manifest.image.model_copy(update={"crop": crop, "interpolation": "bicubic"})
    pixels = np.broadcast_to(to_pixels(open_image(path), spec), (32, 32, 3))
    ours = predict.preprocess(str(path), spec.model_dump(mode="json"))
    np.testing.assert_array_equal(ours, normalise(pixels[None], spec))
    assert np.ptp(ours) > 0.1


def bundle_image(mode: str) -> "predict.Image.Image":
    """Return a photograph of random samples."""
    random = np.random.default_rng(0)
    if mode == "I;16":
        return predict.Image.fromarray(random.integers(0, 2**16, (50, 40)).astype(np.uint16))
    colours = random.integers(0, 256, (50, 40, 3)).astype(np.uint8)
    return predict.Image.fromarray(colours).convert(mode)


def test_readme_check_says_true_and_false(unpacked: Path) -> None:
    code = re.search(r"```python\n(.*?)```", (unpacked / "README.md").read_text(), re.DOTALL)
    assert code is not None
    (unpacked / "check.py").write_text(code[1])
    done = on_device(unpacked, "check.py")
    assert (done.stdout, done.stderr) == ("True\n", "")
    expected = unpacked / "golden" / "expected.json"
    altered = {
        name: [p + 0.1 for p in row] for name, row in json.loads(expected.read_text()).items()
    }
    whole = expected.read_text()
    expected.write_text(json.dumps(altered))
    assert on_device(unpacked, "check.py").stdout == "False\n"
    expected.write_text(whole)
    (unpacked / "check.py").unlink()


def with_verdict(model: Artifact, folder: Path, outcome: str) -> Artifact:
    """Copy an artifact with one verdict in place of its own."""
    verdict = Verdict(gate="g", against=None, outcome=outcome, measured=1.0, reason="because")
    work = folder / f"work-{outcome}"
    work.mkdir()
    (work / "model.onnx").write_bytes(model.weights.read_bytes())
    manifest = model.manifest.model_copy(update={"verdicts": (verdict,)})
    return artifacts.save(folder / outcome, work, manifest)


@pytest.mark.parametrize(("outcome", "code"), [("fail", 3), ("inconclusive", 0), ("pass", 0)])
def test_model_that_failed_a_gate_is_not_packed(
    outcome: str, code: int, exported: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    model = with_verdict(exported, tmp_path, outcome)
    out = tmp_path / "out.zip"
    options = ["--model", str(model.path), "--data", str(data_folder), "--out", str(out)]
    assert main(Config, run, options) == code
    assert out.exists() == (code == 0)


def test_pytorch_artifact_is_refused(
    trained: Artifact, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Config, run, ["--model", str(trained.path), "--data", str(data_folder)]) == 2
    assert "python -m export.onnx" in capsys.readouterr().err
