"""A float ONNX file becomes one in half precision."""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from export.graph.plain import save_plain


def to_fp16(source: Path, out: Path) -> None:
    """Store and compute in half precision; the input and the output stay float32."""
    half = OnnxModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    half.topological_sort()  # the conversion appends the casts of the input at the end
    save_plain(half.model, source, out)
