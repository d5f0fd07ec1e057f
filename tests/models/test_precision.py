"""Weights in half precision are made float32; networks that compute in it are refused."""

import pytest
import torch
from torch import nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families
from models.network_reading import make_readable
from models.onnx_graph.write import probs_to_onnx

SPEC = ImageSpec(height=8, width=8)


class Net(nn.Module):
    """A network whose images and answers are what functions make of them."""

    def __init__(self, before=lambda images: images, after=lambda logits: logits) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 8), nn.Flatten(), nn.Linear(4, 2))
        self.before, self.after, self.autocast = before, after, False

    def forward(self, images):
        """Return logits `[n, 2]`."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            return self.after(self.body(self.before(images)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_in_another_precision_become_float32(dtype, monkeypatch, capsys):
    monkeypatch.setattr(families.registry, "find", lambda *_: _Family(dtype))
    network = families.build(Architecture(name=f"odd {dtype}"), 2)
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}
    assert str(dtype).removeprefix("torch.") in capsys.readouterr().err
    make_readable(network, 2, SPEC)


class _Family:
    def __init__(self, dtype) -> None:
        self.dtype = dtype

    def knows(self, _name: str) -> bool:
        """It has every one."""
        return True

    def build(self, *_given: object) -> nn.Module:
        """Return a network in another precision."""
        return Net().to(self.dtype)


def autocasting() -> nn.Module:
    network = Net()
    network.autocast = True
    return network


@pytest.mark.parametrize(
    ("network", "where"),
    [(autocasting(), "layer body.0"), (Net(after=lambda x: x.half()), "what it returns")],
)
def test_a_network_that_computes_in_half_precision_is_refused(network: nn.Module, where: str):
    with pytest.raises(UserError, match=f"computes in b?float16.*{where}.*--quantize fp16"):
        make_readable(network, 2, SPEC)
    assert not network._forward_hooks
    assert not network.body[0]._forward_hooks


def test_a_cast_that_weights_do_not_follow_is_refused():
    with pytest.raises(UserError, match="cannot be run in eval mode"):
        make_readable(Net(before=lambda images: images.bfloat16()), 2, SPEC)


def test_what_is_no_valid_file_is_refused_by_the_export(tmp_path):
    with pytest.raises(UserError, match=r"no valid ONNX file.*bfloat16.*compute in float32"):
        probs_to_onnx(autocasting(), SPEC, tmp_path / "model.onnx")
