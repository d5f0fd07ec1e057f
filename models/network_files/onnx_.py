"""ONNX files, of whatever tool."""

from pathlib import Path

NAME = "an ONNX file"
ENDINGS = (".onnx",)
RUNS_CODE = False


def recognises(path: Path) -> bool:
    """Tell whether the file is called so; whether it is one is seen when it is opened."""
    return path.suffix.lower() in ENDINGS
