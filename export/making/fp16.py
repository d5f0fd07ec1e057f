"""A float ONNX file becomes one in half precision."""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from export.graph.plain import save_plain
from models.onnx_graph.index import sort_nodes


def to_fp16(source: Path, out: Path) -> None:
    """Store and compute in half precision; the input and the output stay float32."""
    half = convert_float_to_float16(onnx.load(source), keep_io_types=True)
    sort_nodes(half)  # the conversion appends the casts of the input at the end
    save_plain(half, source, out)
