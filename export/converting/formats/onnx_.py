"""ONNX as a device takes it: preprocessing and thresholds in the graph."""

from pathlib import Path

import numpy as np
import onnx

from export.converting.formats._format import Format, Images, Probs, Source
from export.shipped import graph
from export.shipped.check import open_shipped

MODEL = "model.onnx"
FORMAT = Format(
    name="onnx",
    description="ONNX Runtime 1.14 or newer, with preprocessing and thresholds in the graph",
    takes="photograph",
    precisions=("fp32", "fp16", "int8", "int8_weights"),
    providers=("cpu", "qnn", "xnnpack"),
)


def write(source: Source, folder: Path) -> None:
    """Write `model.onnx`."""
    onnx.save(graph.whole(source.model), folder / MODEL)


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of photographs."""
    session = open_shipped(folder / MODEL)
    return np.concatenate([session.run(["probs"], {"image": image})[0] for image in images])
