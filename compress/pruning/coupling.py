"""Which groups of channels may be pruned: those that a trial on a copy has shown to be whole.

torch-pruning guesses from a trace which channels belong together. It errs, or fails, where a
network splits, shuffles or reshapes its channels, scales its weights, or adds something that it has
learnt for every place. So each group is tried: its channels change places, by which what the
network answers must not change; then some of them go, and the network must still run.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor, nn
from torch_pruning import DependencyGraph as Graph
from torch_pruning import Group

from compress.pruning.channel_trial import Trial, parts_of
from models.network_output import LAYERS, width
from models.pruning_history import traced


def unfit_layers(network: nn.Module, images: Tensor, kept: Iterable[str]) -> tuple[str, ...]:
    """Return the names of layers whose outputs cannot be pruned, among those that are not kept.

    The trial has random weights, the same ones each time, so the answer is the architecture's.

    Args:
        network: It is left as it is.
        images: `[1, channels, height, width]` as the network takes them.
        kept: Names of layers that keep their outputs anyway.

    Raises:
        UserError: torch-pruning cannot follow the network at all.
    """
    trial = Trial.of(network, images)
    names = {module: name for name, module in trial.network.named_modules()}
    whole = {trial.network.get_submodule(name) for name in kept}
    unfit = set[nn.Module]()
    while True:  # the groups of what is left may be others
        groups, broken = groups_of(trial.graph, whole)
        moving = _failing(groups, trial.moved)
        unmoved = [group for group in moving if not trial.moved([group], coupled=True)]
        fit = [group for group in groups if group not in unmoved]
        bad = [*unmoved, *_failing(fit, trial.removed)]
        found = {*broken, *(layer for group in bad for layer in made_by(trial.graph, group))}
        if not found:
            return tuple(name for module, name in names.items() if module in unfit)
        unfit |= found
        whole |= found


@dataclass(frozen=True, eq=False)
class Coupled:
    """Layers that lose their channels together."""

    name: str
    """Of the first layer, in the order of `network.named_modules`, that makes the channels."""
    width: int
    """Channels that this layer makes."""
    parts: int
    """Equal parts that channels go from alike: groups of a grouped convolution."""
    makers: int
    """Layers that make the channels, without depthwise convolutions, which only pass them on."""
    group: Group


def coupled(
    network: nn.Module, images: Tensor, kept: Iterable[str]
) -> tuple[Graph, tuple[Coupled, ...]]:
    """Return what may be narrowed of a network, in the order of its layers, and the whole graph.

    Args:
        network: It is left as it is.
        images: `[1, channels, height, width]` as the network takes them.
        kept: Names of layers that keep their width, those that cannot be pruned among them.

    Raises:
        UserError: torch-pruning cannot follow the network.
    """
    graph = traced(network, images)
    order = {module: name for name, module in network.named_modules()}
    found = []
    for group in groups_of(graph, {network.get_submodule(name) for name in kept})[0]:
        made = set(made_by(graph, group))
        first = next(module for module in order if module in made)
        mixing = [layer for layer in made if getattr(layer, "groups", 1) < width(layer)]
        parts = parts_of(graph, group)
        found.append(Coupled(order[first], width(first), parts, max(1, len(mixing)), group))
    names = list(order.values())
    return graph, tuple(sorted(found, key=lambda one: names.index(one.name)))


def groups_of(graph: Graph, kept: set[nn.Module]) -> tuple[list[Group], list[nn.Module]]:
    """Return all groups without a layer that keeps its outputs, and layers whose group fails.

    It is what `torch_pruning.DependencyGraph.get_all_groups` yields until it raises.
    """
    found: list[Group] = []
    broken: list[nn.Module] = []
    seen = set[nn.Module]()
    for layer in list(graph.module2node):
        if not isinstance(layer, LAYERS) or layer in kept or layer in seen:
            continue
        try:
            pruner = graph.get_pruner_of_module(layer)
            channels = list(range(pruner.get_out_channels(layer)))
            group = graph.get_pruning_group(layer, pruner.prune_out_channels, channels)
        except Exception:  # whatever its guesses lead it to
            broken.append(layer)
            continue
        made = set(made_by(graph, group))
        seen |= made
        if not made & kept:
            found.append(group)
    return found, broken


def made_by(graph: Graph, group: Group) -> list[nn.Module]:
    """Return the convolutions and linear layers whose outputs are channels of a group."""
    made = (dep.target.module for dep, _ in group if graph.is_out_channel_pruning_fn(dep.handler))
    return list(dict.fromkeys(module for module in made if isinstance(module, LAYERS)))


def _failing(groups: list[Group], holds: Callable[[list[Group]], bool]) -> list[Group]:
    """Return the groups that fail a test which several pass if each of them does."""
    if not groups or holds(groups):
        return []
    if len(groups) == 1:
        return groups
    half = len(groups) // 2
    return _failing(groups[:half], holds) + _failing(groups[half:], holds)
