"""Int8 and fp16 files are what they say, and calibrated on training images alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import SPEC, Files, run, to_int8
from onnx import ModelProto, TensorProto, numpy_helper

from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import Split
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import normalise
from edgepress.data.split import training_rows
from export import targets
from export.making import fp16
from export.making.int8 import calibration
from models.onnx_graph.index import GraphIndex


def weights(model: ModelProto) -> dict[str, np.ndarray]:
    """Return every initializer with more than two axes: the convolutions' weights."""
    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if len(tensor.dims) > 2
    }


def split_of(trained: Artifact) -> Split:
    """Return the split stored in the artifact."""
    assert trained.manifest.data is not None
    return trained.manifest.data.split


def first_range(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and zero point of the first activations that the file quantizes."""
    model = onnx.load(path)
    index = GraphIndex(model)
    quantize = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    scale, zero = (index.constant(name) for name in quantize.input[1:3])
    assert scale is not None
    assert zero is not None
    return scale, zero


def test_weights_are_stored_as_int8(files: Files) -> None:
    found = weights(onnx.load(files.int8))
    types = sorted(str(array.dtype) for array in found.values())
    assert types == ["float32", "int8", "int8", "int8"], "all but the convolution of the image"


def test_file_is_smaller(files: Files) -> None:
    def weight_bytes(path: Path) -> int:
        return sum(array.nbytes for array in weights(onnx.load(path)).values())

    stem = 64 * 3 * 9 * 4  # stays float
    assert weight_bytes(files.int8) - stem == (weight_bytes(files.fp32) - stem) / 4
    # Had the stem become int8 too, the file would be smaller by three quarters of it.
    assert files.int8.stat().st_size < 0.6 * files.fp32.stat().st_size + 0.75 * stem


def test_int8_file_is_close_to_fp32_and_ends_in_float(files: Files) -> None:
    rows = files.calibration.rows
    images = normalise(files.calibration.pixels[rows], SPEC)
    difference = np.abs(run(files.int8, images) - run(files.fp32, images))
    assert 0 < difference.max() < 0.05
    model = onnx.load(files.int8)
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert model.graph.node[-1].op_type == "Sigmoid"
    assert model.ir_version == onnx.load(files.fp32).ir_version


def test_calibration_rows_are_training_rows(dataset: Dataset, trained: Artifact) -> None:
    split = split_of(trained)
    rows = training_rows(dataset, split, 1000, seed=0)
    assert {dataset.image_ids[row] for row in rows} == set(split.train)
    few = training_rows(dataset, split, 5, seed=0)
    assert len(set(few)) == 5
    assert set(few) <= set(rows)
    assert list(few) == list(training_rows(dataset, split, 5, seed=0))
    assert list(few) != list(training_rows(dataset, split, 5, seed=1))


def test_other_images_leave_no_trace(
    tmp_path: Path, files: Files, dataset: Dataset, trained: Artifact
) -> None:
    """Images outside the training part are painted white: the ranges must not see them."""
    rows = training_rows(dataset, split_of(trained), 24, seed=0)
    pixels = np.full_like(files.calibration.pixels, 255)
    pixels[rows] = 100
    planted = replace(files.calibration, pixels=pixels, rows=rows)
    target = targets.resolve("cpu-vnni")
    to_int8(files.fp32, tmp_path / "train.onnx", target, planted)
    grey = replace(planted, pixels=np.full_like(pixels, 100))
    to_int8(files.fp32, tmp_path / "grey.onnx", target, grey)
    assert first_range(tmp_path / "train.onnx") == first_range(tmp_path / "grey.onnx")
    everything = replace(planted, rows=np.arange(len(pixels)))
    to_int8(files.fp32, tmp_path / "all.onnx", target, everything)
    assert first_range(tmp_path / "all.onnx") != first_range(tmp_path / "grey.onnx")


def test_no_training_image_is_an_error(dataset: Dataset) -> None:
    with pytest.raises(UserError, match="no training image"):
        training_rows(dataset, Split(train=(), val=(), test=()), 4, seed=0)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_other_calibration_methods_are_quiet(
    tmp_path: Path, files: Files, method: calibration.Method, capfd: pytest.CaptureFixture[str]
) -> None:
    images = replace(files.calibration, method=method, rows=files.calibration.rows[:4])
    out = tmp_path / "model.onnx"
    to_int8(files.fp32, out, targets.resolve("cpu-vnni"), images)
    assert capfd.readouterr() == ("", "")
    assert first_range(out) != first_range(files.int8)


def test_seven_bit_weights_for_cpus_without_vnni(tmp_path: Path, files: Files) -> None:
    out = tmp_path / "model.onnx"
    to_int8(files.fp32, out, targets.resolve("cpu-avx2"), files.calibration)
    widest = max(np.abs(array.astype(int)).max() for array in weights(onnx.load(out)).values())
    assert widest <= 64
    full = weights(onnx.load(files.int8)).values()
    assert max(np.abs(array.astype(int)).max() for array in full) == 127


def test_int8_activations_for_arm(tmp_path: Path, files: Files) -> None:
    out = tmp_path / "model.onnx"
    to_int8(files.fp32, out, targets.resolve("cpu-arm"), files.calibration)
    assert first_range(out)[1].dtype == np.int8


def test_fp16_keeps_float32_at_both_ends(tmp_path: Path, files: Files) -> None:
    out = tmp_path / "model.onnx"
    fp16.to_fp16(files.fp32, out)
    model = onnx.load(out)
    ends = [*model.graph.input, *model.graph.output]
    assert {end.type.tensor_type.elem_type for end in ends} == {TensorProto.FLOAT}
    assert {array.dtype for array in weights(model).values()} == {np.dtype(np.float16)}
    images = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)
    difference = np.abs(run(out, images) - run(files.fp32, images))
    assert 0 < difference.max() < 0.01
