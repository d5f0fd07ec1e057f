"""Quantization by NNCF, whose files OpenVINO runs as they are meant."""

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.quiet import quiet
from edgepress.data.pixels import normalise
from export.making.int8.calibration import Calibration, Method
from export.making.int8.setting import Setting

RANGES: Mapping[Method, str | None] = {
    "moving_average": None,
    "minmax": "MINMAX",
    "percentile": "MEAN_QUANTILE",
}
"""NNCF's names of the ways to take ranges; `None` is its default, the mean of the images' extremes
(of the inputs of depthwise convolutions all extremes). It has none by entropy."""


def quantize(prepared: Path, out: Path, images: Calibration, setting: Setting) -> None:
    """Quantize a float file for OpenVINO's CPU.

    Biases are always corrected; with `setting.bias_corrected` layer by layer, each on what the
    layers before it make of the images, which takes longer.

    Raises:
        UserError: NNCF is not installed, or has no such way to take ranges.
    """
    if setting.method not in RANGES:
        raise UserError(
            "NNCF does not take ranges that way",
            got=f"--calibration-method {setting.method}",
            allowed=", ".join(RANGES),
        )
    if importlib.util.find_spec("nncf") is None:
        raise UserError(
            "int8 files for OpenVINO are made by NNCF, which is not installed",
            next_step="pip install 'edgepress[openvino]'",
        )
    with quiet():
        import nncf
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet

        name = RANGES[setting.method]
        ranges = getattr(RangeEstimatorParametersSet, name) if name else None
        model = onnx.load(prepared)
        made = nncf.quantize(
            model,
            nncf.Dataset(_Images(images, model.graph.input[0].name)),
            target_device=nncf.TargetDevice.CPU,
            preset=nncf.QuantizationPreset.MIXED,  # asymmetric activations, for swish
            subset_size=len(images.rows),
            fast_bias_correction=not setting.bias_corrected,
            ignored_scope=nncf.IgnoredScope(names=list(setting.kept_float)),
            advanced_parameters=AdvancedQuantizationParameters(
                activations_range_estimator_params=ranges
            ),
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
