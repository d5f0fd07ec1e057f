"""NNCF: `nncf.quantize(model, nncf.Dataset(...))` on the ONNX model.

The call of "Quantize an ONNX model" in NNCF's README and of its example
https://github.com/openvinotoolkit/nncf/tree/develop/examples/post_training_quantization/onnx

Run it in its own environment: `python nncf_.py --fp32 IN --calibration NPY --out OUT`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx


def quantize(fp32: Path, calibration: Path, out: Path) -> None:
    """Write the int8 file of an fp32 file."""
    import nncf

    model = onnx.load(fp32)
    name, images = model.graph.input[0].name, np.load(calibration)
    data = nncf.Dataset(range(len(images)), lambda row: {name: images[row : row + 1]})
    onnx.save(nncf.quantize(model, data), out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantize by NNCF")
    for option in ("--fp32", "--calibration", "--out"):
        parser.add_argument(option, type=Path, required=True)
    quantize(**vars(parser.parse_args()))
