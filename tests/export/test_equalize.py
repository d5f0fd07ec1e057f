"""Cross-layer equalization changes no output, and makes the ranges of channels equal."""

import numpy as np
import onnx
import pytest
import torch
from export_helpers import run
from onnx import ModelProto, numpy_helper
from torch import nn

from compress.core.image_spec import ImageSpec
from export.rewrites import equalize
from models.onnx_graph.index import GraphIndex
from models.onnx_graph.write import to_onnx

SPEC = ImageSpec(height=16, width=16)


def network(activation: nn.Module) -> nn.Module:
    """Return convolution, depthwise and pointwise, with channels of very different size."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), activation,
        nn.Conv2d(8, 8, 3, padding=1, groups=8), activation,
        nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    with torch.no_grad():
        layers[0].weight.mul_(torch.logspace(-2, 1, 8).reshape(8, 1, 1, 1))
    return layers.eval()


@pytest.fixture
def model(tmp_path) -> ModelProto:
    to_onnx(network(nn.ReLU()), SPEC, tmp_path / "model.onnx")
    return onnx.load(tmp_path / "model.onnx")


def spread(model: ModelProto) -> float:
    """Return the largest range of a channel of the first convolution / the smallest."""
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    weight = numpy_helper.to_array(GraphIndex(model).initializers[conv.input[1]])
    ranges = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    return float(ranges.max() / ranges.min())


def test_outputs_stay_and_ranges_become_alike(model: ModelProto) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype(np.float32)
    before, wide = run(model.SerializeToString(), images), spread(model)
    assert equalize.apply(model) == 2
    np.testing.assert_allclose(run(model.SerializeToString(), images), before, atol=1e-5)
    assert spread(model) < wide / 10


def test_a_clipped_activation_in_between_is_left_alone(tmp_path) -> None:
    to_onnx(network(nn.ReLU6()), SPEC, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    wide = spread(model)
    assert equalize.apply(model) == 0
    assert spread(model) == wide
