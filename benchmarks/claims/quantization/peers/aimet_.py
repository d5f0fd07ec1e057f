"""AIMET-ONNX: `QuantizationSimModel`, `compute_encodings`, export as QDQ by `to_onnx_qdq`.

The steps "post-training quantization" and "QDQ model export" of
https://quic.github.io/aimet-pages/releases/latest/tutorials/quantization_workflow.html with the
defaults of the three calls. The techniques that AIMET offers on top (AdaRound, SeqMSE,
cross-layer equalization) are tuning and not used.

Run it in its own environment: `python aimet_.py --fp32 IN --calibration NPY --out OUT`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx


def quantize(fp32: Path, calibration: Path, out: Path) -> None:
    """Write the int8 file of an fp32 file."""
    from aimet_onnx.quantsim import QuantizationSimModel

    model = onnx.load(fp32)
    name, images = model.graph.input[0].name, np.load(calibration)
    simulation = QuantizationSimModel(model)
    simulation.compute_encodings({name: images[row : row + 1]} for row in range(len(images)))
    onnx.save(simulation.to_onnx_qdq(), out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantize by AIMET-ONNX")
    for option in ("--fp32", "--calibration", "--out"):
        parser.add_argument(option, type=Path, required=True)
    quantize(**vars(parser.parse_args()))
