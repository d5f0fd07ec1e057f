"""The widths of a pruned network are read off its record and its weights, without torch."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmarks.comparison.widths import widths_of
from benchmarks.report.schema import WidthEntry
from edgepress.core.artifact import Artifact
from edgepress.core.manifest import Architecture, Manifest

HISTORY = (
    ("blocks.10.conv", True, (0, 3)),
    ("blocks.9.conv", True, (1,)),
    "blocks.8",
    ("blocks.9.conv", True, (0, 1)),
    ("blocks.8.conv", True, (0,)),
    ("head", False, (0, 1)),
)


def pruned(folder: Path, kind: str = "torch", history: object = HISTORY) -> Artifact:
    shapes = {"blocks.9.conv": (5, 3, 1, 1), "blocks.10.conv": (14, 5, 1, 1), "head": (2, 14)}
    tensors = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    save_file({**tensors, "blocks.9.norm.bias": np.zeros(5, np.float32)},
              folder / "model.safetensors", {"format": "pt"})  # fmt: skip
    architecture = Architecture(name="net", pruning_history=history)
    manifest = Manifest.model_construct(kind=kind, architecture=architecture)
    return Artifact(folder, manifest)


def test_widths_before_are_those_left_and_those_gone(tmp_path: Path):
    assert widths_of(pruned(tmp_path)) == (
        WidthEntry(layer="blocks.9.conv", before=8, after=5),
        WidthEntry(layer="blocks.10.conv", before=16, after=14),
    )


@pytest.mark.parametrize(("kind", "history"), [("onnx", HISTORY), ("torch", ()), ("torch", ("b",))])
def test_of_a_file_or_a_network_that_is_as_wide_nothing_is_told(tmp_path: Path, kind, history):
    assert widths_of(pruned(tmp_path, kind, history)) == ()


def test_a_record_comes_back_from_json_as_it_was():
    written = Architecture(name="net", pruning_history=HISTORY).model_dump_json()
    assert json.loads(written)["pruning_history"][2] == "blocks.8"
    assert Architecture.model_validate_json(written).pruning_history == HISTORY
