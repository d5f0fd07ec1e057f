"""ONNX files made elsewhere: made whole, or refused with one clear message."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import SPEC, Files, run
from onnx import helper

from edgepress.core.errors import UserError
from export.graph import foreign


def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 3, SPEC.height, SPEC.width)).astype("f4")


def test_open_dimensions_get_the_values_of_the_device(tmp_path: Path, files: Files) -> None:
    model = onnx.load(files.fp32)
    for dim in (0, 2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[dim].dim_param = f"open{dim}"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "open0"
    onnx.save(model, tmp_path / "open.onnx")
    foreign.write(tmp_path / "open.onnx", SPEC, tmp_path / "fixed.onnx")
    fixed = onnx.load(tmp_path / "fixed.onnx").graph
    dims = [dim.dim_value for dim in fixed.input[0].type.tensor_type.shape.dim]
    assert dims == [1, 3, SPEC.height, SPEC.width]
    np.testing.assert_array_equal(run(tmp_path / "fixed.onnx", images()), run(files.fp32, images()))


def test_an_old_opset_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = [1, 3, SPEC.height, SPEC.width]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["probs"])],
        "old",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probs", onnx.TensorProto.FLOAT, shape)],
    )
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.save(old, tmp_path / "old.onnx")
    foreign.write(tmp_path / "old.onnx", SPEC, tmp_path / "new.onnx")
    assert onnx.load(tmp_path / "new.onnx").opset_import[0].version == foreign.OPSET
    assert "opset 11" in capsys.readouterr().err


def external(files: Files, folder: Path, location: str) -> Path:
    """Save the file with its weights beside it, then point them elsewhere."""
    path = folder / "model.onnx"
    model = onnx.load(files.fp32)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_beside_the_file_are_taken_in(tmp_path: Path, files: Files) -> None:
    path = external(files, tmp_path, "weights.bin")
    foreign.check(path)
    foreign.write(path, SPEC, tmp_path / "whole.onnx")
    (tmp_path / "weights.bin").unlink()
    np.testing.assert_array_equal(run(tmp_path / "whole.onnx", images()), run(files.fp32, images()))


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../b", "..\\b"])
def test_weights_outside_the_folder_are_refused(
    tmp_path: Path, files: Files, location: str
) -> None:
    with pytest.raises(UserError, match="outside its folder"):
        foreign.check(external(files, tmp_path, location))


def test_missing_weights_are_named(tmp_path: Path, files: Files) -> None:
    with pytest.raises(UserError, match=r"missing.*gone\.bin"):
        foreign.check(external(files, tmp_path, "gone.bin"))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, files: Files) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"0" * 100)
    path = external(files, folder, "link.bin")
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(UserError, match="missing"):
        foreign.check(path)
