"""A tiny data set, a tiny PyTorch artifact, and their exports, made once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from export_helpers import LABELS, SPEC, Files, store, to_int8
from export_network import tiny
from PIL import Image

from edgepress.core.artifact import Artifact
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.split import training_rows
from export import targets
from export.making.int8 import calibration
from models.onnx_graph.write import to_onnx
from models.stored import load_network


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 80 photographs with a table of labels."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    rows = ["image," + ",".join(LABELS)]
    for number in range(80):
        labels = random.integers(0, 2, 3)
        pixels = random.integers(0, 90, (40, 48, 3)) + 90 * labels[0]
        pixels[..., 0] += 50 * labels[1]
        pixels[::4] += 24 * labels[2]
        name = f"{number:02d}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name)
        rows.append(",".join([name, *map(str, labels)]))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def dataset(data_folder: Path) -> Dataset:
    """The data set in `data_folder`."""
    return open_data(str(data_folder))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Artifact:
    """A PyTorch artifact of the tiny network."""
    return store(tmp_path_factory.mktemp("models") / "tiny", tiny(len(LABELS)), dataset)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, trained: Artifact, dataset: Dataset) -> Files:
    """The tiny network in fp32, and quantized for VNNI CPUs."""
    folder = tmp_path_factory.mktemp("onnx")
    fp32, int8 = folder / "fp32.onnx", folder / "int8.onnx"
    to_onnx(load_network(trained), SPEC, fp32)
    assert trained.manifest.data is not None
    rows = training_rows(dataset, trained.manifest.data.split, 24, seed=0)
    images = calibration.calibration(dataset, rows, SPEC)
    to_int8(fp32, int8, targets.resolve("cpu-vnni"), images)
    return Files(fp32, int8, images)
