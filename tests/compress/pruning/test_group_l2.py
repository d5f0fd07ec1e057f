"""The worth of a channel by hand."""

import pytest
import torch
import torch_pruning
from torch import nn

from compress.pruning.importance.group_l2 import importance


def test_squares_of_what_makes_and_reads_a_channel_by_hand() -> None:
    """Made by 1 and 2, read by 3 and 1: (1 + 9) / 2 and (4 + 1) / 2, over their mean of 3.75."""
    network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0], [2.0]]))
        network[1].weight.copy_(torch.tensor([[3.0, 1.0]]))
    graph = torch_pruning.DependencyGraph().build_dependency(network, torch.ones(1, 1))
    group = graph.get_pruning_group(
        network[0], torch_pruning.prune_linear_out_channels, idxs=[0, 1]
    )
    found = importance(group)
    assert found is not None
    assert found.tolist() == pytest.approx([5 / 3.75, 2.5 / 3.75])
