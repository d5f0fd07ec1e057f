"""A new output layer that begins at the labels' prevalence."""

import math

import numpy as np
import pytest
import small_training
import torch
from torch import nn

from compress.learning.loop.prevalence import begin_at_prevalence
from edgepress.core.errors import UserError

NAN = np.nan


def test_offsets_are_logits_of_shares_by_hand():
    """One of three known, by Laplace 2 of 5; none of four, 1 of 6."""
    targets = np.array([[1, 0], [0, 0], [0, 0], [NAN, 0]], np.float32)
    network = small_training.network()
    weight = network[5].weight.clone()
    begin_at_prevalence(network, targets, small_training.SPEC)
    wanted = [math.log(2 / 3), math.log(1 / 5)]
    assert network[5].bias.tolist() == pytest.approx(wanted)
    assert torch.equal(network[5].weight, weight)
    assert network[5].bias.requires_grad


def test_a_network_without_offsets_for_labels_is_refused():
    network = small_training.network()
    network[5] = nn.Linear(4, 2, bias=False)
    with pytest.raises(UserError, match="5 without offsets"):
        begin_at_prevalence(network, np.zeros((3, 2), np.float32), small_training.SPEC)
