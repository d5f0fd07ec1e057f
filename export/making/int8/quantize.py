"""A prepared float graph becomes a QDQ file, by one setting."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from edgepress.core.quiet import quiet
from export.graph.plain import save_plain
from export.making.int8 import bias_correction, nncf_
from export.making.int8.calibration import DEFAULT_METHOD, METHODS, Calibration, Method, Reader
from export.making.int8.checks import check_activations, check_quantized
from export.making.int8.prepare import kept_float, prepare
from export.making.int8.quantizers import QUANTIZERS, Quantizer
from export.making.int8.setting import Setting
from export.making.rewrites import equalize, float_pool, hard_sigmoid, quick_gelu, shared_ranges
from export.targets._target import Target

TYPES = {
    "uint8": QuantType.QUInt8,
    "int8": QuantType.QInt8,
    "uint16": QuantType.QUInt16,
}
# One image at a time: the histograms of percentile and entropy otherwise hold every activation of
# every image in memory at once.
STREAMED: Mapping[str, Any] = {"CalibStridedMinMax": 1, "CalibTensorRangeSymmetric": False}
MOVING: Mapping[str, Any] = {"CalibMovingAverage": True}


@dataclass(frozen=True)
class Workshop:
    """What is the same for every setting that is tried on one network."""

    source: Path
    """The float file, as exported."""
    prepared: Path
    """The same, made ready by `prepare`."""
    target: Target
    images: Calibration
    folder: Path
    """Ranges and means are kept here, so that every method reads the images once."""

    @property
    def quantizer(self) -> Quantizer:
        """What the target's quantizer can be asked for."""
        return QUANTIZERS[self.target.quantizer]


def open_workshop(source: Path, target: Target, images: Calibration, folder: Path) -> Workshop:
    """Prepare a float file for the settings that will be tried on it.

    Raises:
        UserError: its activations are not finite on the calibration images.
    """
    prepared = folder / "prepared.onnx"
    prepare(source, prepared)
    check_activations(prepared, images)
    return Workshop(source, prepared, target, images, folder)


def first_setting(workshop: Workshop) -> Setting:
    """Return the best-known setting: what computes the image and the output stays float."""
    kept = kept_float(onnx.load(workshop.prepared))
    return Setting(method=first_method(workshop), kept_float=kept)


def first_method(workshop: Workshop) -> Method:
    """Return the way to take ranges that was asked for, else the quantizer's best-known one."""
    asked = workshop.images.method
    return workshop.quantizer.first if asked == DEFAULT_METHOD else asked


def quantize(workshop: Workshop, setting: Setting, out: Path) -> None:
    """Quantize weights and activations in QDQ format.

    Every operation with an integer kernel is quantized but those the setting keeps float. ReLU and
    ReLU6 disappear: the integer range clips by itself.

    Raises:
        UserError: the target's quantizer is not installed, or the network has nothing that can be
            quantized.
    """
    if workshop.target.quantizer == "nncf":
        nncf_.quantize(workshop.prepared, out, workshop.images, setting)
        check_quantized(out, workshop.prepared)
        save_plain(onnx.load(out), workshop.source, out)
        return
    _quantize_by_onnxruntime(workshop, setting, out)
    check_quantized(out, workshop.prepared)
    model = onnx.load(out)
    if workshop.target.provider == "cpu":  # these know what its kernels are
        hard_sigmoid.apply(model)
        quick_gelu.apply(model)
    save_plain(model, workshop.source, out)


def _quantize_by_onnxruntime(workshop: Workshop, setting: Setting, out: Path) -> None:
    graph = workshop.folder / f"{out.stem}-graph.onnx"
    model = onnx.load(workshop.prepared)
    if setting.equalized:
        equalize.apply(model)
    variant = "-equalized" if setting.equalized else ""
    floats = set(setting.kept_float)
    if workshop.target.provider == "cpu":
        floats |= float_pool.apply(model, floats).keys()
    onnx.save(onnx.shape_inference.infer_shapes(model), graph)
    run = partial(quantize_static, graph, out, **_options(workshop.target, setting.method, floats))
    images = replace(workshop.images, method=setting.method)
    ranges = workshop.folder / f"ranges-{setting.method}{variant}.json"
    with quiet():
        if not (setting.shared_ranges and ranges.is_file()):
            run(Reader(images, model.graph.input[0].name), calibration_cache_path=ranges)
        if setting.shared_ranges:
            shared = workshop.folder / f"{out.stem}-ranges.json"
            shared_ranges.share_file(model, floats, ranges, shared)
            run(calibration_cache_path=shared)
            shared.unlink()
    graph.unlink()
    if setting.bias_corrected:
        means = _means(workshop.folder / f"means{variant}.npz", model, workshop.images)
        bias_correction.apply(out, model, means)


def _options(target: Target, method: Method, floats: set[str]) -> dict[str, Any]:
    """Return the options of onnxruntime's `quantize_static`."""
    moving = MOVING if method == "moving_average" else {}
    return {
        "quant_format": QuantFormat.QDQ,
        "per_channel": target.per_channel,
        "reduce_range": target.reduce_range,
        "activation_type": TYPES[target.activation_type],
        "weight_type": TYPES[target.weight_type],
        "nodes_to_exclude": sorted(floats),
        "calibrate_method": METHODS[method],
        "extra_options": {**STREAMED, **moving, **target.quantizer_options},
    }


def _means(file: Path, model: onnx.ModelProto, images: Calibration) -> bias_correction.Means:
    """Return what biases are corrected by, measured once for each float graph."""
    if not file.is_file():
        np.savez(file, **bias_correction.input_means(model, images))  # type: ignore[arg-type]
    with np.load(file) as stored:
        return dict(stored)
