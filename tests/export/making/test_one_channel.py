"""A network of one channel goes the whole way, from coloured photographs to the device."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from benchmarks.runtimes import cpu
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.data.images import open_image, to_pixels
from edgepress.data.pixels import normalise
from edgepress.device.bundle import archive
from edgepress.device.images import decode
from export.shipped import preprocessing

SHORT = ("--batch-size", 8, "--epochs", 1)
Made = dict[str, Path]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 photographs: coloured, grey with 8 and 16 bits, and turned by a phone."""
    folder, random = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    rows = ["image,bright,striped"]
    for number in range(80):
        bright, striped = random.integers(0, 2, 2)
        values = random.integers(0, 90, (40, 48, 3)) + 90 * bright
        values[::4] += 60 * striped
        name = _save(folder, number, values.clip(0, 255).astype(np.uint8))
        rows.append(f"{name},{bright},{striped}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def _save(folder: Path, number: int, pixels: np.ndarray) -> str:
    """Write a photograph in one of four ways, and return its name."""
    image, name, turned = Image.fromarray(pixels), f"{number:02d}.png", Image.Exif()
    if number % 4 == 1:
        image = image.convert("L")
    elif number % 4 == 2:
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif number % 4 == 3:
        name, turned[0x112] = f"{number:02d}.jpg", 6
    image.save(folder / name, exif=turned)
    return name


@pytest.fixture
def made(tmp_path: Path, mixed: Path, command: Callable[..., Any]) -> Made:
    """Every step's result, by its name."""
    out = {name: tmp_path / name for name in ("train", "prune", "distill", "int8")}
    steps: dict[str, tuple[object, ...]] = {
        "train": ("--arch", "tiny_network:grey", "--weights", "random", "--image-size", 32, *SHORT,
                  "--gate", "params <= 1e9"),
        "prune": ("--model", out["train"], "--rounds", 1, "--round-to", 4, *SHORT),
        "distill": ("--teacher", out["train"], "--student", out["prune"], *SHORT,
                    "--gate", "params <= 1e9"),
    }  # fmt: skip
    for name, options in steps.items():
        done = command(f"compress.{name}", *options, "--data", mixed, "--out", out[name])
        assert done.code == 0, done.err
    done = command(
        "export.onnx", "--model", out["distill"], "--data", mixed, "--quantize", "int8",
        "--target", "cpu-vnni", "--budget", 0, "--emulate", 0, "--calibration-images", 16,
        "--gate", "int8_convs >= 1", "--out", out["int8"],
    )  # fmt: skip
    assert done.code == 0, done.err
    return out


def _prepared(file: Path, model: Artifact) -> np.ndarray:
    """What the product makes of a file."""
    spec = model.manifest.image
    return normalise(to_pixels(open_image(file), spec)[None], spec)


def test_every_step_and_the_device_see_one_channel(
    made: Made, mixed: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    models = {name: artifacts.load(path) for name, path in made.items()}
    assert {model.manifest.image.shape for model in models.values()} == {(1, 32, 32)}
    int8 = models["int8"]
    (port,) = onnx.load(int8.weights).graph.input
    assert [dim.dim_value for dim in port.type.tensor_type.shape.dim] == [1, 1, 32, 32]
    assert int8.manifest.measurements.macs < models["train"].manifest.measurements.macs
    done = command("benchmarks.accuracy", "--model", int8.path, "--data", mixed)
    assert done.code == 0, done.err
    packed = tmp_path / "b.zip"
    options = ("--model", int8.path, "--data", mixed, "--out", packed)
    assert command("export.bundle.__main__", *options).code == 0
    device = tmp_path / "device"
    archive.unpack(archive.read(packed), device)
    _same_answers(device, mixed, int8)
    golden = [device / name for name in json.loads((device / "golden/expected.json").read_text())]
    _same_pixels([*golden, *(mixed / name for name in ("00.png", "02.png", "03.jpg"))], int8)
    assert "made grey" in (device / "MODEL_CARD.md").read_text()


def _same_answers(device: Path, mixed: Path, int8: Artifact) -> None:
    """Compare the device's answers with those of the model behind the product's preprocessing."""
    photographs = [mixed / name for name in ("00.png", "01.png", "02.png", "03.jpg")]
    start = [sys.executable, "-I", device / "run.py", "predict", "--bundle", device]
    done = subprocess.run([*start, *photographs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [list(json.loads(line)["probs"].values()) for line in done.stdout.splitlines()]
    session = cpu.open_session(int8, 1)
    wanted = np.concatenate([session.run(_prepared(file, int8)) for file in photographs])
    np.testing.assert_allclose(said, wanted, atol=1e-6)
    tested = subprocess.run([*start[:3], "selftest", "--bundle", device], capture_output=True)
    assert tested.returncode == 0, tested.stdout


def _same_pixels(files: list[Path], model: Artifact) -> None:
    """Compare what the device's decoding and the graph make of files with the product's pixels."""
    import onnxruntime as ort

    before = preprocessing.graph(model.manifest.image).SerializeToString()
    session = ort.InferenceSession(before, providers=["CPUExecutionProvider"])
    for file in files:
        found = session.run(None, {"image": decode(file)})[0]
        np.testing.assert_array_equal(found, _prepared(file, model), str(file))
