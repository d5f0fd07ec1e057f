"""Networks of one channel: which are, how they are built, and weights of three channels in them."""

import json

import pytest
import tiny_network
import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families, stem
from models.pretrained import Start, start_network

SPEC = ImageSpec(height=32, width=32)
GREY = SPEC.in_channels(1)


@pytest.mark.parametrize(
    ("name", "wanted", "kwargs", "channels"),
    [
        ("tiny_network:grey", None, {}, 1),
        ("tiny_network:grey", 1, {}, 1),
        ("tiny_network:build", None, {}, 3),
        ("tiny_network:build", 1, {"in_chans": 1}, 1),
        ("resnet10t", 1, {"in_chans": 1}, 1),
        ("lenet5", 1, {"in_chans": 1}, 1),
        ("torchvision/squeezenet1_1", 1, {"in_chans": 1}, 1),
    ],
)
def test_what_builds_a_network_of_the_wanted_channels(name: str, wanted, kwargs, channels: int):
    built, found = stem.resolved(Architecture(name=name), SPEC, wanted)
    assert (built.kwargs, found) == (kwargs, channels)
    network = families.build(built, 4).eval()
    assert network(torch.zeros(2, channels, 32, 32)).shape == (2, 4)


def test_a_factory_that_cannot_be_told_is_refused():
    with pytest.raises(UserError, match=r"images of 3 channels.*in_chans.*--channels"):
        stem.resolved(Architecture(name="tiny_network:grey"), SPEC, 3)


class Small(nn.Module):
    """A stem without padding, with a bias or a batch norm behind it."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, 6, 3, 2, bias=bias)
        self.norm = nn.Identity() if bias else nn.BatchNorm2d(6)
        self.last = nn.Conv2d(6, 3, 3)

    def forward(self, image: Tensor) -> Tensor:
        return self.last(self.norm(self.first(image)).relu())


def as_seen(pixels: Tensor, spec: ImageSpec) -> Tensor:
    """Grey pixels `[n, 1, h, w]` of 0 to 1 as a network of either kind gets them."""
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (spec.mean, spec.std))
    return (pixels - mean) / std


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("mean", "std"), [(0.459, 0.226), (0.0, 1 / 255)])
def test_summed_weights_answer_grey_photographs_alike(bias: bool, mean: float, std: float):
    torch.manual_seed(0)
    colour, grey = Small(3, bias).eval(), Small(1, bias).eval()
    if not bias:
        colour.norm.running_mean.normal_()
        colour.norm.running_var.uniform_(0.5, 2)
    spec = GREY.model_copy(update={"mean": (mean,), "std": (std,)})
    weights = stem.summed(colour.state_dict(), grey, spec)
    grey.load_state_dict(weights)
    pixels = torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        wanted, found = colour(as_seen(pixels, SPEC)), grey(as_seen(pixels, spec))
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_summed_by_hand():
    """One weight for each channel, mean 1/2 and deviation 1/4 of the grey ones."""
    grey = nn.Sequential(nn.Conv2d(1, 1, 1))
    given = {"0.weight": torch.tensor([[[[1.0]], [[2.0]], [[3.0]]]]), "0.bias": torch.tensor([5.0])}
    spec = GREY.model_copy(update={"mean": (0.5,), "std": (0.25,)})
    found = stem.summed(given, grey, spec)
    scale = 0.25 * (1 / 0.229 + 2 / 0.224 + 3 / 0.225)
    shift = (0.5 - 0.485) / 0.229 + 2 * (0.5 - 0.456) / 0.224 + 3 * (0.5 - 0.406) / 0.225
    assert found["0.weight"].item() == pytest.approx(scale, rel=1e-6)
    assert found["0.bias"].item() == pytest.approx(5 + shift, rel=1e-6)


def test_weights_that_fit_stay_as_they_are():
    grey = Small(1, bias=False)
    assert stem.summed(grey.state_dict(), grey, GREY).keys() == grey.state_dict().keys()
    for name, value in stem.summed(grey.state_dict(), grey, GREY).items():
        assert value is grey.state_dict()[name] or torch.equal(value, grey.state_dict()[name])


def test_imagenet_weights_in_a_network_of_one_channel():
    one = Architecture(name="efficientnet_lite0", kwargs={"in_chans": 1})
    grey = start_network(one, 4, Start("imagenet"), GREY).eval()
    colours = Architecture(name="efficientnet_lite0")
    colour = start_network(colours, 4, Start("imagenet"), SPEC).eval()
    pixels = torch.rand(1, 1, 5, 5).repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, :32, :32]
    with torch.no_grad():
        wanted = colour.bn1(colour.conv_stem(as_seen(pixels, SPEC)))
        found = grey.bn1(grey.conv_stem(as_seen(pixels, GREY)))
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))  # not beside the padding
    assert torch.allclose(found[inside], wanted[inside], rtol=1e-3, atol=1e-3)


def test_a_file_of_colours_starts_a_network_of_one_channel(tmp_path, capfd):
    """Its weights are found behind the prefix of a training code and added up, which is said."""
    given = tiny_network.build(2).state_dict()
    torch.save({"state_dict": {f"model.{n}": t for n, t in given.items()}}, tmp_path / "a.ckpt")
    grey = Architecture(name="tiny_network:grey")
    network = start_network(grey, 2, Start(str(tmp_path / "a.ckpt")), GREY)
    own = network.state_dict()
    assert torch.equal(own["0.0.weight"], stem.summed(given, network, GREY)["0.0.weight"])
    assert torch.equal(own["1.0.weight"], given["1.0.weight"])
    told = capfd.readouterr().err
    assert "taken from 'state_dict.model'; added up for grey images: 0.0.weight" in told


@pytest.mark.parametrize(
    ("given", "channels", "mean"),
    [({}, 3, (0.485, 0.456, 0.406)), ({"channels": 1}, 1, (0.459,)),
     ({"channels": 1, "mean": [0.1], "std": [0.2]}, 1, (0.1,))],
)  # fmt: skip
def test_a_spec_without_channels_is_one_of_colours(given, channels: int, mean):
    spec = ImageSpec.model_validate_json(json.dumps({"height": 8, "width": 9, **given}))
    assert (spec.shape, spec.mean) == ((channels, 8, 9), mean)


@pytest.mark.parametrize("given", [{"channels": 1, "mean": (0.5,) * 3}, {"std": (0.2,)}])
def test_a_spec_needs_one_value_for_each_channel(given):
    with pytest.raises(ValueError, match="one for each channel"):
        ImageSpec(**given)
