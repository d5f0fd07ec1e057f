"""Which channels go: the least important over the dependency graph, until a target is reached."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch_pruning
from torch import Tensor, nn

from compress.pruning import importance
from compress.pruning.coupling import Coupled, coupled
from edgepress.core.errors import UserError, told
from edgepress.core.quiet import quiet
from models.basis.torch_process import evaluating
from models.network_output import LAYERS, width
from models.pruning_history import History

STEPS = 200
"""Steps from the whole network to nothing: each removes about half a percent of the channels."""


@dataclass(frozen=True)
class Widths:
    """Limits on the widths that pruning may leave."""

    round_to: int
    max_pruning_ratio: float
    ranking: Literal["layer", "global"]
    kept: tuple[str, ...]
    """Names of layers whose outputs keep their width, as `pruning.kept_layers` finds them."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Channels of each layer that `max_pruning_ratio` is a share of; of a network that was not
    pruned before they are its own."""
    importance: str = "group-l2"
    """A file of `compress.pruning.importance`."""
    steps: int = STEPS
    """From the whole network to nothing."""


def prune_until(
    network: nn.Module, images: Tensor, reached: Callable[[nn.Module], bool], widths: Widths
) -> History:
    """Remove the least important channels, in place, step by step until `reached(network)`.

    The importance of each group of coupled channels is compared within each layer or over the whole
    network.

    Args:
        network: What is pruned.
        images: `[1, channels, height, width]` as it takes them, to trace it.
        reached: Tells whether enough has gone.
        widths: What may go.

    Raises:
        UserError: the target cannot be reached within the limits, a label would be lost, or what is
            left does not fit together.
    """
    least = _least(network, widths)

    def remove() -> torch_pruning.DependencyGraph:
        with quiet():
            pruner = _pruner(network, images, widths)
        for _ in range(widths.steps):
            if reached(network):
                break
            for group in pruner.step(interactive=True):
                if _may_go(group, least):
                    group.prune()
        return pruner.DG

    history = changed(network, images, remove)
    with evaluating(network):
        narrow_enough = reached(network)
    if narrow_enough:
        return history
    raise out_of_reach(widths)


def out_of_reach(widths: Widths) -> UserError:
    """Return what is said where all that may go is not enough."""
    other = "--allocation knapsack, or " if widths.ranking == "global" else ""
    return UserError(
        "The architecture cannot be pruned to this target",
        allowed=f"layers may lose {widths.max_pruning_ratio:.0%} and keep a multiple of "
        f"{widths.round_to} channels",
        next_step=f"{other}raise --max-pruning-ratio or the target, lower --round-to, or allow "
        "more: "
        "--no-keep-residual, fewer --keep",
    )


def prune_to(
    network: nn.Module, images: Tensor, plan: Mapping[str, int], widths: Widths
) -> History:
    """Narrow groups of channels to the widths of a plan, in place.

    The least important channels go, in steps as `prune_until` takes them: after each it is looked
    anew at what the channels of what is left are worth.

    Args:
        network: What is pruned.
        images: `[1, channels, height, width]` as it takes them, to trace it.
        plan: Widths by the names of groups; groups that are not named stay as they are.
        widths: Which layers are kept, the multiple of the steps, and the importance.

    Raises:
        UserError: a label would be lost, or what is left does not fit together.
    """

    def remove() -> torch_pruning.DependencyGraph:
        graph, groups = coupled(network, images, widths.kept)
        for narrower in _narrowings(groups, plan, widths):
            _narrow_to(graph, network, narrower, widths)
        return graph

    return changed(network, images, remove)


def _narrowings(
    groups: tuple[Coupled, ...], plan: Mapping[str, int], widths: Widths
) -> Iterator[Mapping[Coupled, int]]:
    """Yield the widths of the groups that become narrower in each step."""
    now = {one: one.width for one in groups}
    for step in range(1, widths.steps + 1):
        found = {}
        for one, before in now.items():
            left = int(one.width * (1 - step / widths.steps)) // widths.round_to * widths.round_to
            narrower = max(left, plan.get(one.name, one.width))
            if narrower < before and (before - narrower) % one.parts == 0:
                found[one] = narrower
        now |= found
        if found:
            yield found


def _narrow_to(
    graph: torch_pruning.DependencyGraph,
    network: nn.Module,
    wanted: Mapping[Coupled, int],
    widths: Widths,
) -> None:
    """Remove the least important channels of some groups, of which all are ranked first."""
    going = []
    for one, width_wanted in wanted.items():
        layer = network.get_submodule(one.name)
        make = graph.get_pruner_of_module(layer).prune_out_channels
        everything = graph.get_pruning_group(layer, make, list(range(width(layer))))
        worth = importance.find(widths.importance)(everything)
        if worth is not None:
            each = worth.cpu().view(one.parts, -1).mean(0)
            least = each.argsort()[: (width(layer) - width_wanted) // one.parts]
            rows = [int(row) + part * len(each) for part in range(one.parts) for row in least]
            going.append((layer, make, sorted(rows)))
    for layer, make, rows in going:
        graph.get_pruning_group(layer, make, rows).prune()


def changed(
    network: nn.Module, images: Tensor, remove: Callable[[], torch_pruning.DependencyGraph]
) -> History:
    """Let channels be removed in place, and return which went.

    Raises:
        UserError: a label would be lost, or what is left does not fit together.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    with evaluating(network):
        labels = _output_shape(network, images)
        with _fitting():
            graph = remove()
            left = _output_shape(network, images)
    _require_labels(left, labels)
    return _history(graph)


def _require_labels(left: torch.Size, labels: torch.Size) -> None:
    """Refuse a network that answers otherwise than before.

    Raises:
        UserError: its output has another shape.
    """
    if left == labels:
        return
    raise UserError(
        "Pruning would remove labels: what makes the network's output was not recognised",
        got=f"output {list(left)} instead of {list(labels)}",
        next_step="keep the layers before the output: --keep NAME",
    )


@contextmanager
def _fitting() -> Iterator[None]:
    """Say as a user's error what torch-pruning or the network meets when channels are missing.

    Raises:
        UserError: what is left does not fit together.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # shapes that do not fit, and what torch-pruning takes for granted
        raise UserError(
            f"The layers of the pruned network do not fit together ({told(error)})",
            next_step="keep the layers around what is not a layer, e.g. a parameter of the "
            "network's own: --keep NAME",
        ) from None


def _pruner(network: nn.Module, images: Tensor, widths: Widths) -> torch_pruning.pruner.BasePruner:
    return torch_pruning.pruner.BasePruner(
        network,
        images,
        importance=importance.find(widths.importance),
        global_pruning=widths.ranking == "global",
        pruning_ratio=1.0,
        max_pruning_ratio=widths.max_pruning_ratio,
        iterative_steps=widths.steps,
        ignored_layers=[network.get_submodule(name) for name in widths.kept],
        round_to=widths.round_to,
    )


def channels_of(network: nn.Module) -> dict[str, int]:
    """Return the output channels of each convolution and linear layer, by its name."""
    layers = {n: m for n, m in network.named_modules() if isinstance(m, LAYERS)}
    return {name: width(layer) for name, layer in layers.items()}


def _least(network: nn.Module, widths: Widths) -> dict[nn.Module, float]:
    """Return how many channels each layer keeps at least."""
    whole = widths.whole or channels_of(network)
    return {
        network.get_submodule(name): whole[name] * (1 - widths.max_pruning_ratio) - 1e-9
        for name in channels_of(network)
    }


def _may_go(group: torch_pruning.Group, least: dict[nn.Module, float]) -> bool:
    """Tell whether removing a group leaves its layers wide enough, which torch-pruning exceeds.

    It looks before it removes, and rounds what it removes up.
    """
    for dependency, indices in group:
        layer = dependency.target.module
        out = torch_pruning.DependencyGraph().is_out_channel_pruning_fn(dependency.handler)
        if out and layer in least and width(layer) - len(indices) < max(1, least[layer]):
            return False
    return True


def _output_shape(network: nn.Module, images: Tensor) -> torch.Size:
    with torch.no_grad():
        shape: torch.Size = network(images).shape
    return shape


def _history(graph: torch_pruning.DependencyGraph) -> History:
    return tuple(
        (name, bool(out), tuple(int(index) for index in indices))
        for name, out, indices in graph.pruning_history()
    )
