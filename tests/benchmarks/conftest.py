"""Tiny models and images to measure: the labels of an image are its colours."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from compress.core import artifact as artifacts
from compress.core.artifact import Artifact
from compress.core.image_spec import ImageSpec
from compress.core.labels import Labels
from compress.core.manifest import Manifest

SIZE = 16
NAMES = ("red", "green")
SPEC = ImageSpec(height=SIZE, width=SIZE, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
LABELS = Labels(names=NAMES, thresholds=(0.5, 0.5), prevalence=(0.5, 0.5))
COLOURS = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
"""Weights of the head that reads the labels off the image."""

MakeModel = Callable[..., Artifact]


def write_onnx(path: Path, head: np.ndarray, convs: int = 0, channels: int = 64) -> None:
    """Write a model: the mean colour times `head`; `convs` do work that does not count."""
    nodes, weights, x = [], [numpy_helper.from_array(head * 4, "head")], "image"
    for layer in range(convs):
        shape = (channels, 3 if layer == 0 else channels, 3, 3)
        weights.append(numpy_helper.from_array(np.full(shape, 0.01, np.float32), f"w{layer}"))
        nodes.append(helper.make_node("Conv", [x, f"w{layer}"], [f"c{layer}"], pads=[1] * 4))
        x = f"c{layer}"
    if convs:
        zero = np.zeros((channels, len(NAMES)), np.float32)
        weights.append(numpy_helper.from_array(zero, "nothing"))
        nodes += [
            helper.make_node("GlobalAveragePool", [x], ["work4"]),
            helper.make_node("Flatten", ["work4"], ["work2"]),
            helper.make_node("MatMul", ["work2", "nothing"], ["work"]),
        ]
    nodes += [
        helper.make_node("GlobalAveragePool", ["image"], ["mean4"]),
        helper.make_node("Flatten", ["mean4"], ["mean"]),
        helper.make_node("MatMul", ["mean", "head"], ["colour"]),
        helper.make_node("Add", ["colour", "work"] if convs else ["colour", "colour"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probs"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    probs = helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, len(NAMES)])
    graph = helper.make_graph(nodes, "colours", [image], [probs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(
        model,
        {
            "edgepress.labels": LABELS.model_dump_json(),
            "edgepress.image": SPEC.model_dump_json(),
            "edgepress.id": json.dumps("colours"),
        },
    )
    onnx.save(model, path)


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
