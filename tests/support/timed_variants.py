"""A folder of small files that stand for one network at several widths, as a host writes it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx_graphs import graph

WIDTHS = (16, 4, 8)


def written(folder: Path, widths: tuple[int, ...] = WIDTHS) -> Path:
    """Write a file for each width, and the index."""
    folder.mkdir(parents=True)
    files = []
    for number, width in enumerate(widths):
        file = folder / f"variant-{number}.onnx"
        onnx.save(_convolutions(width), file)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        files.append({"name": file.name, "sha256": sha256, "widths": {"one": width}})
    told = {"schema_version": 1, "files": files, "reference": "variant-2.onnx",
            "input": [1, 3, 16, 16], "threads": 1, "more": "for the host"}  # fmt: skip
    (folder / "index.json").write_text(json.dumps(told))
    return folder


def _convolutions(width: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["between"], "one", kernel_shape=[3, 3]),
        helper.make_node("Relu", ["between"], ["positive"], "relu"),
        helper.make_node("Conv", ["positive", "second"], ["y"], "two", kernel_shape=[1, 1]),
    ]
    weights = {"first": np.ones((width, 3, 3, 3), np.float32),
               "second": np.ones((2, width, 1, 1), np.float32)}  # fmt: skip
    return graph(nodes, weights, [1, 3, 16, 16], [1, 2, 14, 14])
