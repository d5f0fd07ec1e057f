"""A teacher that is wrong, or knows nothing, does no harm."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.core import artifact as artifacts
from edgepress.core.manifest import Manifest

SIDE, IMAGES, STRENGTH = 32, 180, 40
PARTS = ("train",) * 96 + ("val",) * 42 + ("test",) * 42
NETWORK = (
    "--arch", "tiny_network:build", "--arch-kwargs", '{"width": 8}', "--weights", "random",
    "--image-size", SIDE, "--split-column", "part",
)  # fmt: skip
COMMON = (
    "--batch-size", 8, "--learning-rate", 0.01, "--augmentation", 0, "--mixup", 0, "--gate",
    "params <= 1e9",
)  # fmt: skip


def write(folder: Path, shuffled: bool = False) -> Path:
    """Write noise with a bright bar that lies, stands, does both or neither: two labels."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, (IMAGES, 2))
    written = random.permutation(truth) if shuffled else truth
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "part", "lying", "standing"])
        for row, (lying, standing) in enumerate(truth):
            pixels = random.integers(0, 120, (SIDE, SIDE), dtype=np.uint8)
            place = int(random.integers(4, 24))
            pixels[place : place + 3] += np.uint8(STRENGTH * lying)
            pixels[:, place : place + 3] += np.uint8(STRENGTH * standing)
            Image.fromarray(pixels).save(folder / "images" / f"{row:03}.png")
            table.writerow([f"{row:03}.png", PARTS[row], *written[row]])
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("bars") / "data")


def trained(command, data: Path, out: Path, epochs: int) -> Path:
    done = command(
        "compress.train", "--data", data, "--out", out, *NETWORK, *COMMON, "--epochs", epochs
    )
    assert done.code == 0, done.err
    return out


def taught(command, data: Path, teacher: Path, out: Path, *options: object) -> Manifest:
    done = command(
        "compress.distill", "--teacher", teacher, "--student", "tiny_network:build", "--data", data,
        "--out", out, *COMMON, "--epochs", 12, *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    return artifacts.load(out).manifest


def test_a_teacher_that_is_wrong_does_no_harm(data: Path, tmp_path: Path, command):
    """Without a race it does, and the control shows it."""
    teacher = trained(command, write(tmp_path / "wrong", shuffled=True), tmp_path / "teacher", 15)
    harmed = taught(
        command, data, teacher, tmp_path / "harmed", "--method", "feature-maps", "--control"
    )
    assert harmed.distillation.gain.harmed
    found = taught(command, data, teacher, tmp_path / "student")
    assert found.distillation.method == "none"
    assert found.measurements.map > 0.95


def test_a_teacher_that_knows_nothing_yet_does_no_harm(data: Path, tmp_path: Path, command):
    teacher = trained(command, data, tmp_path / "teacher", 0)
    found = taught(command, data, teacher, tmp_path / "student")
    assert found.measurements.map > 0.95
