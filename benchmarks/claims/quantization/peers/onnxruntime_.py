"""ONNX Runtime's own quantizer: `quantize_static` with nothing but a data reader.

The call of "Static Quantization" in
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, whose "Data type
selection" calls the default (S8S8, QDQ) the first choice. The docstring of `quantize_static`
recommends uint8 activations on x86 instead; they are not the default, so they are not used here.

Run it in its own environment: `python onnxruntime_.py --fp32 IN --calibration NPY --out OUT`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx


class Images:
    """The calibration images, one at a time, as `quantize_static` asks for them."""

    def __init__(self, feeds: Iterator[dict[str, Any]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, `None` after the last one."""
        return next(self._feeds, None)


def quantize(fp32: Path, calibration: Path, out: Path) -> None:
    """Write the int8 file of an fp32 file."""
    from onnxruntime.quantization import quantize_static

    name = onnx.load(fp32).graph.input[0].name
    images = np.load(calibration)
    feeds = ({name: images[row : row + 1]} for row in range(len(images)))
    quantize_static(fp32, out, Images(feeds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantize by onnxruntime's quantize_static")
    for option in ("--fp32", "--calibration", "--out"):
        parser.add_argument(option, type=Path, required=True)
    quantize(**vars(parser.parse_args()))
