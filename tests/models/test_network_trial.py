"""What a network does when it is run once, before the work."""

import re
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.network_trial import channels_taken, try_out

SPEC = ImageSpec(height=8, width=8)


def small(channels: int = 3) -> nn.Module:
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), pool, nn.Flatten())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_channels_that_a_network_takes(channels: int):
    network = small(channels)
    assert channels_taken(network, 8, 8) == channels
    assert network.training
    assert network[1].num_batches_tracked == 0


def test_a_network_of_either_takes_colours():
    assert channels_taken(nn.Flatten(), 8, 8) == 3


@pytest.mark.parametrize("channels", [2, 4])
def test_a_network_of_other_channels_says_what_it_wants(channels: int):
    told = rf"Got: {channels} \(.*to have {channels} channels.*Allowed: 3 .RGB. or 1.*first layer"
    with pytest.raises(UserError, match=told) as raised:
        channels_taken(small(channels), 8, 8)
    assert "size" not in str(raised.value).partition("Allowed")[2]


def test_a_network_of_another_size_is_told_the_size():
    with pytest.raises(UserError, match=r"\[1, 3, 8, 8\].*the size that it takes"):
        channels_taken(fixed(), 8, 8)


class Net(nn.Module):
    """A network whose answer is what a function makes of its logits."""

    def __init__(self, how=lambda net, x: x, before=lambda net, images: images) -> None:
        super().__init__()
        self.body, self.head, self.how, self.before = small(), nn.Linear(4, 2), how, before

    def forward(self, images):
        return self.how(self, self.head(self.body(self.before(self, images))))


def fail(error: BaseException):
    raise error


def only_in(training: bool):
    wrong = NotImplementedError("not in this mode")
    return lambda net, x: x if net.training == training else fail(wrong)


def fixed() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 2))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            lambda: Net(only_in(training=True)),
            "in eval mode.*NotImplementedError: not in this mode",
        ),
        (lambda: Net(only_in(training=False)), "in training mode.*not in this mode"),
        (lambda: Net(lambda net, x: net.missing), "AttributeError.*missing.*in line"),
        (
            lambda: Net(lambda net, x: {}[x.ndim]),
            "KeyError: 2, in line .* of test_network_trial.py",
        ),
        (lambda: Net(lambda net, x: sys.exit(3)), "SystemExit: 3"),
        (fixed, r"mat1 and mat2.*\[2, 3, 8, 8\].*--image-size"),
        (lambda: small(1), "1 channel"),
        (
            lambda: Net(lambda net, x: functional.dropout(x)),
            "differently each time.*training=self.training",
        ),
        (lambda: Net(lambda net, x: x.detach()), "no weight has a gradient"),
        (lambda: Net().requires_grad_(False), "no weight has a gradient"),
        (lambda: Net(lambda net, x: x.squeeze() if len(x) > 1 else x.view(2, 2)), "cannot be run"),
    ],
)
def test_what_would_end_the_work_is_found_before_it(network, words: str):
    torch.manual_seed(0)
    with pytest.raises(UserError, match=words):
        try_out(network(), 2, SPEC)


@pytest.mark.parametrize(
    "network",
    [
        lambda: Net(only_in(training=False)),
        lambda: Net().requires_grad_(False),
    ],
)
def test_what_is_not_trained_need_not_be_trainable(network):
    assert try_out(network(), 2, SPEC, training=False) is None


def batch_norm(_net, x):
    return functional.batch_norm(x, None, None, training=True) if len(x) > 1 else x


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Net(lambda net, x: x.sigmoid()), "returns probabilities, not logits"),
        (Net(lambda net, x: functional.logsigmoid(x)), "logarithms of probabilities"),
        (Net(lambda net, x: x.softmax(1)), "add up to 1"),
        (Net(lambda net, x: x.relu()), "never negative.*less likely than 1/2"),
        (Net(lambda net, x: x.tanh()), "between -1 and 1.*certain"),
        (Net(batch_norm), "depends on the others of its batch"),
        (Net(before=lambda net, images: images.sub_(1)), "changes the images"),
        (Net(lambda net, x: {"out": x, "aux": -x}), "out, aux, each as wide.*out is taken"),
        (Net(lambda net, x: (x, x) if net.training else x), "in training mode.*0, 1.*0 is taken"),
        (Net(lambda net, x: x / 0), "no finite numbers"),
    ],
)
def test_what_is_unusual_is_said(network, words: str, capfd):
    try_out(network, 2, SPEC)
    said = capfd.readouterr().err
    assert re.search(words, said)


@pytest.mark.parametrize("how", [lambda net, x: x, lambda net, x: {"x": x}, lambda net, x: x * 0])
def test_nothing_is_said_of_a_usual_network(how, capfd):
    try_out(Net(how), 2, SPEC)
    assert not capfd.readouterr().err
