"""The metadata of an ONNX file: named texts beside the graph."""

from collections.abc import Mapping
from pathlib import Path

import onnx

PREFIX = "edgepress."
"""Begins the names of ours."""


def update(path: Path, texts: Mapping[str, str]) -> None:
    """Store texts in an ONNX file, in place of those of the same name."""
    model = onnx.load(path)
    kept = [prop for prop in model.metadata_props if prop.key not in texts]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    for name, text in texts.items():
        model.metadata_props.add(key=name, value=text)
    onnx.save(model, path)
