"""Makes a network smaller until it has a share of its multiply-accumulates."""

from collections.abc import Callable

from torch import nn

from benchmarks.gates.budgets import Budget
from compress.pruning.allocation import Limit, Problem, find
from compress.pruning.channels import prune_to
from compress.pruning.costs.counted import Counting
from compress.pruning.coupling import coupled
from compress.pruning.kept_layers import Kept
from compress.pruning.shrinking import Shrinking, widths_of
from edgepress.core.image_spec import ImageSpec
from models.blank import blank_image
from models.pruning_history import History
from models.stored import count_macs

Prune = Callable[[nn.Module, float], History]
"""(network, share of MACs) -> prunes the network in place; returns what went."""


def shrinking(whole: nn.Module, spec: ImageSpec, options: Shrinking, kept: Kept) -> Prune:
    """Return what prunes copies of a network to a share of its multiply-accumulates.

    All layers lose the same share: what `compress.prune --allocation uniform` leaves in one round.
    """
    images, macs = blank_image(spec), count_macs(whole, spec)
    widths = widths_of(whole, options, kept)

    def prune(network: nn.Module, share: float) -> History:
        graph, groups = coupled(network, images, kept.layers)
        budget = Budget(text=f"macs <= {share:.4g}", metric="macs", limit=share, relative=True)
        limit = Limit(budget, Counting(network, spec, graph, groups).macs(), share, macs)
        problem = Problem(network, images, widths, groups, (limit,))
        (plan,) = find("uniform")(problem, 1)
        return prune_to(network, images, plan, widths)

    return prune
