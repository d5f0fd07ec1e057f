"""The fp32 export: same numbers as PyTorch, a plain file, nothing on the terminal."""

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from export_helpers import SPEC, Files, run
from torch import nn

from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.onnx_graph.write import to_onnx
from models.stored import load_network


def test_same_probabilities_as_pytorch(files: Files, trained: Artifact) -> None:
    images = np.random.default_rng(0).standard_normal((8, 3, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        expected = load_network(trained)(torch.from_numpy(images)).sigmoid().numpy()
    assert expected.std(axis=0).min() > 1e-3  # the outputs do depend on the image
    np.testing.assert_allclose(run(files.fp32, images), expected, atol=1e-5)


def test_file_is_what_old_runtimes_read(files: Files) -> None:
    model = onnx.load(files.fp32, load_external_data=False)
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert [value.name for value in model.graph.input] == ["image"]
    assert [value.name for value in model.graph.output] == ["probs"]
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in shape] == [1, 3, 32, 32]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert list(files.fp32.parent.glob("*.data")) == []


def test_batch_norm_is_folded_and_means_are_pools(files: Files) -> None:
    counts = Counter(node.op_type for node in onnx.load(files.fp32).graph.node)
    assert counts["BatchNormalization"] == 0
    assert counts["ReduceMean"] == 0
    assert counts["GlobalAveragePool"] == 2  # with and without keepdim


def test_no_local_path_leaks_into_the_file(files: Files) -> None:
    assert b"export_network" not in files.fp32.read_bytes()
    assert b"forward" not in files.fp32.read_bytes()


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    to_onnx(network.eval(), ImageSpec(height=8, width=8), tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")


class DependsOnValues(nn.Module):
    """Has control flow that cannot be exported."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return different things for bright and dark images."""
        return image.mean((2, 3)) if image.mean() > 0 else image.amax((2, 3))


def test_operations_are_read_once_and_every_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> bytes:
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        nn.init.constant_(network[0].weight, 0.1)
        nn.init.zeros_(network[0].bias)
        to_onnx(network.eval(), ImageSpec(height=8, width=8), tmp_path / "model.onnx")
        return (tmp_path / "model.onnx").read_bytes()

    first = written()
    apis = importlib.import_module("torch.onnx._internal._lazy_import").onnxscript_apis
    read = apis.get_torchlib_ops.cache_info()
    assert written() == first
    again = apis.get_torchlib_ops.cache_info()
    assert (again.misses, again.hits) == (1, read.hits + 1)
    monkeypatch.setattr(apis, "get_torchlib_ops", apis.get_torchlib_ops.__wrapped__)
    assert written() == first, "as torch writes it by itself"


def test_network_that_cannot_be_exported_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot export this network"):
        to_onnx(DependsOnValues(), SPEC, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


class FiveAxes(nn.Module):
    """Has attention inside windows, of tensors with one axis more than torch.onnx takes."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the mean of what each row of pixels finds in the others."""
        windows = image[:, :, None]
        found = nn.functional.scaled_dot_product_attention(windows, windows, windows)
        return found.mean((1, 2, 3))


def test_an_operation_that_cannot_be_exported_is_named_without_internals(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"write aten.scaled_dot_product_attention as it") as found:
        to_onnx(FiveAxes(), SPEC, tmp_path / "model.onnx")
    assert "%" not in str(found.value)
