"""The asymmetric loss with both of its focuses."""

import math

import pytest
import torch

from compress.learning.losses.asl import Focus, loss


@pytest.mark.parametrize("target", [1.0, 0.0, 0.25])
def test_each_side_has_its_own_focus(target: float):
    """At p = 0.8: 0.2^2 * -log 0.8 where the label is, 0.7^3 * -log 0.3 where it is not.

    The share of a soft target is in its focus and in its cross-entropy, as in the authors' code.
    """
    logits = torch.tensor([[math.log(0.8 / 0.2)]])
    how = Focus(gamma_negative=3, gamma_positive=2, clip=0.1)
    found = loss(logits, torch.tensor([[target]]), how=how)
    weight = 0.2**2 * target + 0.7**3 * (1 - target)
    wanted = -weight * (target * math.log(0.8) + (1 - target) * math.log(0.3))
    assert found.item() == pytest.approx(wanted, rel=1e-5)
