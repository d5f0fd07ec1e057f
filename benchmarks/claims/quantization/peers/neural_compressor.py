"""onnx-neural-compressor: `quantize` with a `StaticQuantConfig` of nothing but a data reader.

The call of "Static Quantization" in the README of https://github.com/onnx/neural-compressor

Run it in its own environment:
`python neural_compressor.py --fp32 IN --calibration NPY --out OUT`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx


class Images:
    """The calibration images, one at a time, as the tool asks for them, and again from the first.

    The README derives its reader from the tool's abstract class, which adds nothing but `iter`.
    """

    def __init__(self, feeds: list[dict[str, Any]]) -> None:
        self._feeds = feeds
        self.rewind()

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, `None` after the last one."""
        return next(self._rest, None)

    def rewind(self) -> None:
        """Start again from the first image."""
        self._rest = iter(self._feeds)

    def __iter__(self) -> "Images":
        return self

    def __next__(self) -> dict[str, Any]:
        return next(self._rest)


def quantize(fp32: Path, calibration: Path, out: Path) -> None:
    """Write the int8 file of an fp32 file."""
    from onnx_neural_compressor.quantization import config
    from onnx_neural_compressor.quantization import quantize as run

    name, images = onnx.load(fp32).graph.input[0].name, np.load(calibration)
    feeds = [{name: images[row : row + 1]} for row in range(len(images))]
    # As text: the tool hands the path to parts of ONNX that take no other.
    run(str(fp32), str(out), config.StaticQuantConfig(calibration_data_reader=Images(feeds)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantize by onnx-neural-compressor")
    for option in ("--fp32", "--calibration", "--out"):
        parser.add_argument(option, type=Path, required=True)
    quantize(**vars(parser.parse_args()))
