"""A tiny model whose labels are the colours of the image, for the tests of the benchmarks."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgepress.core.artifact import MANIFEST, Artifact, file_entries
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels

SIZE = 16
NAMES = ("red", "green")
SPEC = ImageSpec(height=SIZE, width=SIZE, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
LABELS = Labels(names=NAMES, thresholds=(0.5, 0.5), prevalence=(0.5, 0.5))
COLOURS = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
"""Weights of the head that reads the labels off the image."""

MakeModel = Callable[..., Artifact]


def name_files_again(artifact: Artifact) -> None:
    """Let an artifact's manifest name its files as they are now."""
    manifest = artifact.path / MANIFEST
    manifest.unlink()
    files = file_entries(artifact.path)
    manifest.write_text(artifact.manifest.model_copy(update={"files": files}).model_dump_json())


Judge = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From a colour (red, green, blue) to its two labels."""


def bright(colour: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return whether a colour's red and green are more than half."""
    return colour[:2] > 127


def paint(
    folder: Path, count: int, judge: Judge = bright, shades: tuple[int, int] = (0, 256)
) -> Path:
    """Write images of one colour each, and the table of their labels, into a new folder."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", *NAMES])
        for number in range(count):
            colour = rng.integers(*shades, 3)
            pixels = np.clip(colour + rng.integers(-20, 20, (SIZE, SIZE, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
            table.writerow([f"{number}.png", *judge(colour, rng).astype(int)])
    return folder


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
