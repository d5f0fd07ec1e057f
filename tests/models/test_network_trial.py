"""What a network does when it is run once, before the work."""

import pytest
from torch import nn

from compress.core.errors import UserError
from models.network_trial import channels_taken


def small(channels: int) -> nn.Module:
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


def test_a_network_of_other_channels_says_what_it_wants():
    with pytest.raises(UserError, match=r"to have 4 channels.*\[1, 3, 8, 8\]"):
        channels_taken(small(4), 8, 8)
