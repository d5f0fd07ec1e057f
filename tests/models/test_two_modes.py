"""A network may return probabilities in eval mode only: its logits in training stay logits."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from edgepress.core.image_spec import ImageSpec
from models.network_reading import example, make_readable, probabilities
from models.network_trial import try_out

SPEC = ImageSpec(height=8, width=8)
LABELS = 3


class Head(nn.Module):
    """The head of several toolboxes: logits for the loss, probabilities for the user."""

    def __init__(self, act) -> None:
        super().__init__()
        self.drop, self.linear, self.act = nn.Dropout(0.0), nn.Linear(5, LABELS), act

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.drop(features))
        return logits if self.training else self.act(logits)


def net(act) -> nn.Sequential:
    torch.manual_seed(0)
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), pooled, Head(act))


ACTS = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: x.softmax(1),
    "logsigmoid": nn.functional.logsigmoid,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_logits_of_training_mode_stay_what_they_are(act):
    network = net(act)
    own, images = deepcopy(network), example(SPEC)
    make_readable(network, LABELS, SPEC)
    assert torch.equal(network.train()(images), own.train()(images))
    assert torch.equal(probabilities(network, images), network(images).sigmoid())
    own.load_state_dict(network.state_dict())
    said = own.eval()(images)
    said = said.exp() if bool((said <= 0).all()) else said
    assert torch.allclose(network.eval()(images).sigmoid(), said, atol=1e-6)
    assert torch.allclose(probabilities(network, images), said, atol=1e-6)


def test_trying_it_leaves_the_network_and_chance_as_they_were():
    network, state = net(torch.sigmoid), torch.get_rng_state()
    before = deepcopy(network.state_dict())
    modes = [layer.training for layer in network.modules()]
    state = torch.get_rng_state()
    make_readable(network, LABELS, SPEC)
    assert torch.equal(torch.get_rng_state(), state)
    assert [layer.training for layer in network.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_it_is_said(capfd):
    try_out(net(torch.sigmoid), LABELS, SPEC)
    said = " ".join(capfd.readouterr().err.split())
    assert "returns probabilities in eval mode, and logits in training mode: taken as such" in said


def test_probabilities_in_both_modes_are_taken_so_in_both():
    network = nn.Sequential(net(torch.sigmoid)[:4], nn.Linear(5, LABELS), nn.Sigmoid())
    make_readable(network, LABELS, SPEC)
    images = example(SPEC)
    assert torch.allclose(network.train()(images).sigmoid(), network.forward(images), atol=1e-6)
