"""Networks and images that cannot be quantized are refused with the reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import Files, to_int8
from onnx import helper, numpy_helper

from edgepress.core.errors import UserError
from export import targets
from export.making.int8.checks import check_images


def test_images_of_one_colour_are_refused(files: Files) -> None:
    grey = replace(files.calibration, pixels=np.full_like(files.calibration.pixels, 7))
    with pytest.raises(UserError, match="of one colour"):
        check_images(grey)
    check_images(files.calibration)


def test_no_image_is_refused(files: Files) -> None:
    with pytest.raises(UserError, match="no image"):
        check_images(replace(files.calibration, rows=files.calibration.rows[:0]))


def test_activations_that_are_not_finite_are_refused(tmp_path: Path, files: Files) -> None:
    model = onnx.load(files.fp32)
    weight = next(one for one in model.graph.initializer if len(one.dims) == 4)
    values = numpy_helper.to_array(weight).copy()
    values[0, 0, 0, 0] = np.nan
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / "nan.onnx")
    with pytest.raises(UserError, match="not finite"):
        to_int8(
            tmp_path / "nan.onnx",
            tmp_path / "out.onnx",
            targets.resolve("cpu-vnni"),
            files.calibration,
        )


def test_a_network_without_integer_operators_is_refused(tmp_path: Path, files: Files) -> None:
    shape = [1, 3, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Sin", ["image"], ["probs"])],
        "sine",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probs", onnx.TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, tmp_path / "sine.onnx")
    with pytest.raises(UserError, match=r"no operator.*Sin"):
        to_int8(
            tmp_path / "sine.onnx",
            tmp_path / "out.onnx",
            targets.resolve("cpu-vnni"),
            files.calibration,
        )
