"""The groups of channels that may go, and what goes with each: by name, at any width."""

import copy
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch_pruning
from torch import nn
from torch_pruning import DependencyGraph

from compress.pruning.channel_trial import parts_of
from compress.pruning.channels import channels_of
from compress.pruning.coupling import groups_of, made_by
from edgepress.core.errors import UserError, told, unknown_name
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from models.blank import blank_image
from models.network_output import LAYERS, width
from models.pruning_history import traced


class Size(Noun):
    """How many channels something has, by the widths of groups."""

    whole: float
    """Of the whole network."""
    by: dict[str, float]
    """How many of them go with each channel of a group, by its name."""


@dataclass(frozen=True)
class Group:
    """Channels that go together, wherever they are."""

    name: str
    """Of the first layer, as in `network.named_modules`, that makes them."""
    width: int
    """Output channels of that layer in the whole network."""
    parts: int
    """One channel of each of so many parts goes at once, as in a grouped convolution."""


def found_groups(network: nn.Module, spec: ImageSpec, kept: Collection[str]) -> tuple[Group, ...]:
    """Return the groups of a network without a layer that keeps its outputs.

    Raises:
        UserError: torch-pruning cannot follow the network.
    """
    graph = traced(network, blank_image(spec))
    whole = {network.get_submodule(name) for name in kept}
    found = []
    for group in groups_of(graph, whole)[0]:
        makers = set(made_by(graph, group))
        name = next(name for name, layer in network.named_modules() if layer in makers)
        layer = network.get_submodule(name)
        parts = parts_of(graph, _all_of(graph, layer), coupled=True)
        if width(layer) % parts == 0:
            found.append(Group(name, width(layer), parts))
    return tuple(found)


def sizes(network: nn.Module, spec: ImageSpec, groups: Sequence[Group]) -> tuple[Size, ...]:
    """Return the different sizes that layers read and make, from all groups.

    Raises:
        UserError: torch-pruning cannot follow the network.
    """
    graph = traced(network, blank_image(spec))
    going: dict[tuple[nn.Module, bool], dict[str, float]] = defaultdict(dict)
    for group in groups:
        layer = network.get_submodule(group.name)
        last = _chosen(group, group.width - group.parts)
        for place, rows in _removed(graph, _part_of(graph, layer, last)).items():
            going[place][group.name] = len(rows) / group.parts
    found = (Size(whole=_whole(*place), by=by) for place, by in going.items())
    return tuple({one.model_dump_json(): one for one in found}.values())


def narrowed(
    network: nn.Module, spec: ImageSpec, groups: Sequence[Group], widths: Mapping[str, int]
) -> nn.Module:
    """Return a copy of a network in which groups have these widths; whichever channels are left.

    Raises:
        UserError: there is no such group, or the layers do not fit together afterwards.
    """
    copied = copy.deepcopy(network)
    images, known = blank_image(spec), {group.name: group for group in groups}
    graph = traced(copied, images)
    try:
        for name, left in widths.items():
            if name not in known:
                raise unknown_name("group of channels", name, known)
            going = _chosen(known[name], left)
            if going:
                _part_of(graph, copied.get_submodule(name), going).prune()
        copied(images)
    except UserError:
        raise
    except Exception as error:  # shapes that do not fit, and what torch-pruning takes for granted
        raise UserError(f"The layers do not fit together at these widths ({told(error)})") from None
    made = channels_of(copied)
    if other := [name for name, left in widths.items() if made[name] != left]:
        raise UserError("A layer did not get the width that was asked for", got=other[0])
    return copied


def _chosen(group: Group, left: int) -> list[int]:
    """Return the channels of a group's first layer that go: the last ones of each part."""
    size, kept = group.width // group.parts, left // group.parts
    return [channel for channel in range(group.width) if channel % size >= kept]


def _all_of(graph: DependencyGraph, layer: nn.Module) -> torch_pruning.Group:
    return _part_of(graph, layer, list(range(width(layer))))


def _part_of(graph: DependencyGraph, layer: nn.Module, channels: list[int]) -> torch_pruning.Group:
    pruner = graph.get_pruner_of_module(layer)
    return graph.get_pruning_group(layer, pruner.prune_out_channels, channels)


def _removed(
    graph: DependencyGraph, group: torch_pruning.Group
) -> dict[tuple[nn.Module, bool], set[int]]:
    """Return which rows of each layer a group removes, of what it makes (`True`) and reads."""
    found: dict[tuple[nn.Module, bool], set[int]] = defaultdict(set)
    for dep, rows in group:
        layer = dep.target.module
        if isinstance(layer, LAYERS):
            for out in _sides(graph, dep, layer):
                found[layer, out].update(rows)
    return found


def _sides(
    graph: DependencyGraph, dep: torch_pruning.Dependency, layer: nn.Module
) -> Iterator[bool]:
    """Yield which sides of a layer a dependency narrows; of a depthwise convolution both."""
    out = bool(graph.is_out_channel_pruning_fn(dep.handler))
    yield out
    if getattr(layer, "groups", 1) == width(layer):
        yield not out


def _whole(layer: nn.Module, out: bool) -> int:
    if out:
        return width(layer)
    return int(layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels)  # type: ignore[arg-type]
