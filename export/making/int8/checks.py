"""What would make an int8 file worthless, found before it costs an hour."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.qdq_loss_debug import (
    collect_activations,
    modify_model_output_intermediate_tensors,
)

from edgepress.core.errors import UserError
from edgepress.core.quiet import quiet
from export.making.int8.calibration import Calibration, Reader

LOOKED_AT = 32
TAPPED = 2
"""Images whose every activation is looked at."""


def check_images(images: Calibration) -> None:
    """Refuse calibration images that show nothing.

    Raises:
        UserError: there is none, or each of them is of one colour.
    """
    rows = images.rows[:LOOKED_AT]
    if not len(rows):
        raise UserError("There is no image to calibrate on", got="0 images")
    if all(np.ptp(images.pixels[row], axis=(0, 1)).max() == 0 for row in rows):
        raise UserError(
            "Every calibration image is of one colour, so the ranges of activations would mean "
            "nothing",
            got=f"{len(rows)} images looked at",
            next_step="check that the images of the training part can be seen",
        )


def check_activations(prepared: Path, images: Calibration) -> None:
    """Refuse a network whose weights or activations are not finite.

    Raises:
        UserError: they are not, on the first calibration images.
    """
    name = onnx.load(prepared).graph.input[0].name
    first = replace(images, rows=images.rows[:TAPPED])
    reader = Reader(first, name)
    reader.set_range(0, len(first.rows))
    with tempfile.TemporaryDirectory(prefix="edgepress-check-") as folder, quiet():
        tapped = Path(folder) / "tapped.onnx"
        modify_model_output_intermediate_tensors(prepared, tapped)
        found = collect_activations(str(tapped), reader)
    for tensor, values in found.items():
        if not all(np.isfinite(value).all() for value in values):
            raise UserError(
                "The network's activations are not finite on the calibration images",
                got=tensor,
                next_step="check its weights and the preprocessing",
            )


def check_quantized(path: Path, prepared: Path) -> None:
    """Refuse a file with nothing in it to run as integers.

    Raises:
        UserError: it is so.
    """
    if all(node.op_type != "QuantizeLinear" for node in onnx.load(path).graph.node):
        kinds = sorted({node.op_type for node in onnx.load(prepared).graph.node})
        raise UserError(
            "The network has no operator that this target runs as integers",
            got=", ".join(kinds),
            next_step="--quantize fp16, or --quantize none",
        )
