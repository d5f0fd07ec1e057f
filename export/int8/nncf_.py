"""Quantization by NNCF, whose files OpenVINO runs as they are meant."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from compress.core.errors import UserError
from compress.core.quiet import quiet
from compress.data.pixels import normalise
from export.int8.calibration import Calibration
from export.int8.setting import Setting


def quantize(prepared: Path, out: Path, images: Calibration, setting: Setting) -> None:
    """Quantize a float file by NNCF's defaults for OpenVINO's CPU, with fast bias correction.

    Raises:
        UserError: NNCF is not installed.
    """
    if importlib.util.find_spec("nncf") is None:
        raise UserError(
            "int8 files for OpenVINO are made by NNCF, which is not installed",
            next_step="pip install 'edgepress[openvino]'",
        )
    with quiet():
        import nncf

        model = onnx.load(prepared)
        made = nncf.quantize(
            model,
            nncf.Dataset(_Images(images, model.graph.input[0].name)),
            target_device=nncf.TargetDevice.CPU,
            preset=nncf.QuantizationPreset.MIXED,  # asymmetric activations, for swish
            subset_size=len(images.rows),
            ignored_scope=nncf.IgnoredScope(names=list(setting.kept_float)),
        )
    onnx.save(made, out)


class _Images:
    """Calibration images one at a time, as often as they are asked for."""

    def __init__(self, images: Calibration, input_name: str) -> None:
        self._images, self._name = images, input_name

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        for row in self._images.rows:
            pixels = self._images.pixels[[row]]
            yield {self._name: normalise(pixels, self._images.image)}
