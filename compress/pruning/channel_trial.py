"""A copy of a network whose channels change places and go, to see whether they may."""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch_pruning
from torch import Tensor, nn
from torch_pruning import DependencyGraph as Graph
from torch_pruning import Group

from edgepress.core.alike import REWRITTEN, ROUNDING
from models.pruning_history import traced

Rows = list[int]
Pairs = list[tuple[int, int]]
"""(new, old) rows"""

SAME = {torch.float64: ROUNDING.probs, torch.float32: REWRITTEN.probs}
TRIED = 4
"""One of so many channels goes, the first ones: halves of a split are not narrowed alike."""


@dataclass(frozen=True)
class _Change:
    """A change of one module: which, and what is done to it."""

    owner: nn.Module
    make: Callable[[], object]


@dataclass(frozen=True)
class Trial:
    """A copy of a network with random weights, which is changed and put back."""

    network: nn.Module
    graph: Graph
    images: Tensor
    answers: Tensor

    @classmethod
    def of(cls, network: nn.Module, images: Tensor) -> "Trial":
        """Copy a network and run it, in double precision where it can.

        Raises:
            UserError: torch-pruning cannot follow it.
        """
        try:
            return cls._of(network, images.double())
        except Exception:  # a network may mix in numbers of its own, in single precision
            return cls._of(network, images)

    @classmethod
    def _of(cls, network: nn.Module, images: Tensor) -> "Trial":
        copied = copy.deepcopy(network).requires_grad_(True).eval().to(images.dtype)
        generator = torch.Generator().manual_seed(0)
        _randomise(copied, generator)
        inputs = torch.randn(images.shape, generator=generator, dtype=images.dtype)
        graph = traced(copied, inputs)
        with torch.no_grad():
            return cls(copied, graph, inputs, copied(inputs))

    @classmethod
    def as_it_is(cls, network: nn.Module, images: Tensor) -> "Trial":
        """Copy a network with its weights.

        Raises:
            UserError: torch-pruning cannot follow it.
        """
        copied = copy.deepcopy(network).requires_grad_(True).eval()
        with torch.no_grad():
            return cls(copied, traced(copied, images), images, copied(images))

    def moved(self, groups: Sequence[Group], coupled: bool = False) -> bool:
        """Tell whether the answers stay when the channels of groups change places.

        Args:
            groups: Groups of all channels of a layer.
            coupled: Ask torch-pruning whether channels of one layer go together, as two that are
                added up after a concatenation, and move these together; it takes its time.
        """
        if coupled and any(_splits(group) for group in groups):
            return False
        made = self._run(lambda: [c for group in groups for c in self._moves(group, coupled)])
        if made is None or made.shape != self.answers.shape:
            return False
        most = SAME[made.dtype] * self.answers.abs().max()
        return bool((made - self.answers).abs().max() <= most)

    def removed(self, groups: Sequence[Group]) -> bool:
        """Tell whether the network runs without some of the channels of groups."""
        made = self._run(lambda: self._removals([(g, self._some(g)) for g in groups]))
        return made is not None and made.shape == self.answers.shape

    @contextmanager
    def without(self, group: Group, gone: Collection[int]) -> Iterator[nn.Module]:
        """Let the network be without some of a group's units (`units`) for a while."""
        changes = self._removals([(group, gone)])
        with _put_back({change.owner for change in changes}):
            for change in changes:
                change.make()
            yield self.network

    def runs_without(self, group: Group, gone: Collection[int]) -> bool:
        """Tell whether the network runs; of layers that are joined one may be left with none."""
        return self._run(lambda: self._removals([(group, gone)])) is not None

    def _run(self, changes: Callable[[], list[_Change]]) -> Tensor | None:
        """Return the answers after changes, which are undone; `None` where anything fails."""
        try:
            made = changes()
            with _put_back({change.owner for change in made}), torch.no_grad():
                for change in made:
                    change.make()
                answers: Tensor = self.network(self.images)
            return answers
        except Exception:  # torch-pruning and the network find out in whatever way they do
            return None

    def _moves(self, group: Group, coupled: bool) -> list[_Change]:
        """Return the changes by which the channels of a group change places everywhere."""
        size = self.units(group, coupled)
        rows = [_rows(item, size) for item in group]
        to = _places(rows, size)
        found = []
        for item, own in zip(group, rows, strict=True):
            if isinstance(item.dep.target.module, nn.Module | nn.Parameter):
                pairs = [p for unit in own for p in zip(own[unit], own[to[unit]], strict=True)]
                found += self._renumbered(item.dep, pairs)
        return found

    def _renumbered(self, dep: torch_pruning.Dependency, pairs: Pairs) -> list[_Change]:
        """Return the changes by which row `new` of what a dependency prunes becomes row `old`."""
        target = dep.target
        owner, name = self._owner(target.module)
        axes = {name: target.pruning_dim} if name else _axes(dep, pairs[0][0])
        return [_Change(owner, partial(_renumber, owner, n, a, pairs)) for n, a in axes.items()]

    def _some(self, group: Group) -> range:
        return range(-(-self.units(group) // TRIED))

    def _removals(self, going: Iterable[tuple[Group, Collection[int]]]) -> list[_Change]:
        """Return the changes by which units of groups go, each module's at once."""
        rows: dict[tuple[object, object], tuple[torch_pruning.Dependency, set[int]]] = {}
        for group, gone in going:
            root, n, size = group[0].dep, len(group[0].idxs), self.units(group)
            chosen = [channel for channel in range(n) if channel % size in gone]
            for dep, own in self.graph.get_pruning_group(root.target.module, root.handler, chosen):
                rows.setdefault((dep.target.module, dep.handler), (dep, set()))[1].update(own)
        return [
            _Change(self._owner(dep.target.module)[0], partial(self._remove, dep, own))
            for dep, own in rows.values()
            if isinstance(dep.target.module, nn.Module | nn.Parameter)
        ]

    def _remove(self, dep: torch_pruning.Dependency, rows: set[int]) -> None:
        made = dep(sorted(rows))
        if isinstance(made, nn.Parameter):
            owner, name = self._owner(dep.target.module)
            setattr(owner, name, made)

    def _owner(self, target: nn.Module | nn.Parameter) -> tuple[nn.Module, str]:
        """Return the module that a change is made in, and a parameter's name there."""
        if isinstance(target, nn.Module):
            return target, ""
        path, _, name = self.graph._param_to_name[target].rpartition(".")
        return self.network.get_submodule(path), name

    def units(self, group: Group, coupled: bool = False) -> int:
        """Return how many channels of a group's root go one by one: channel `i` with `i + size`.

        Raises:
            ValueError: channels go together in another way.
        """
        n = len(group[0].idxs)
        size, rest = divmod(n, parts_of(self.graph, group, coupled))
        if rest:
            raise ValueError(f"{n} channels are no equal parts")
        return size


def parts_of(graph: Graph, group: Group, coupled: bool = False) -> int:
    """Return in how many parts, each like the others, the channels of a group's root are pruned.

    Args:
        graph: What the group is of.
        group: Of all channels of its root.
        coupled: Ask whether channels of the root go together; it takes its time.
    """
    root = group[0].dep
    parts = max(_parts(graph, dep) for dep, _ in group)
    if coupled:
        first = graph.get_pruning_group(root.target.module, root.handler, [0])
        parts = max(parts, len(first[0].idxs))
    return parts


def _parts(graph: Graph, dep: torch_pruning.Dependency) -> int:
    """Return in how many parts, each like the others, a layer's channels are pruned."""
    module = dep.target.module
    depthwise = isinstance(module, nn.modules.conv._ConvNd) and module.groups == module.out_channels
    if depthwise or not isinstance(module, nn.Module):
        return 1
    pruner = graph.get_pruner_of_module(module)
    out = graph.is_out_channel_pruning_fn(dep.handler)
    count = pruner.get_out_channel_groups if out else pruner.get_in_channel_groups
    return int(count(module))


def _splits(group: Group) -> bool:
    """Tell whether a group goes through a split, whose parts torch-pruning counts once only.

    It does not move where the parts begin when channels go, so the next ones would be others.
    """
    return any(dep.target.type == torch_pruning.ops.OPTYPE.SPLIT for dep, _ in group)


def _rows(item: torch_pruning._helpers.GroupItem, size: int) -> dict[int, Rows]:
    """Return the rows of what an item prunes that belong to each unit of its group's root."""
    found: dict[int, Rows] = {}
    for row, root in sorted(zip(item.idxs, item.root_idxs, strict=True)):
        found.setdefault(root % size, []).append(row)
    return found


def _places(rows: Sequence[dict[int, Rows]], size: int) -> dict[int, int]:
    """Return a new place for each unit, at random among those that the same layers see."""
    alike: dict[tuple[int, ...], Rows] = {}
    for unit in range(size):
        alike.setdefault(tuple(len(own.get(unit, ())) for own in rows), []).append(unit)
    generator = torch.Generator().manual_seed(size)
    to: dict[int, int] = {}
    for units in alike.values():
        order = torch.randperm(len(units), generator=generator).tolist()
        to.update(zip(units, (units[place] for place in order), strict=True))
    return to


def _axes(dep: torch_pruning.Dependency, row: int) -> dict[str, int]:
    """Return the axis of each tensor that pruning a module shortens.

    A copy is pruned to see that: a layer may hold more tensors than one thinks.
    """
    module = dep.target.module
    pruned = copy.deepcopy(module)
    dep.handler.__self__.pruning_dim = dep.target.pruning_dim
    dep.handler(pruned, [row])
    before, after = module.state_dict(), pruned.state_dict()
    found = {}
    for name in before:
        shapes = zip(before[name].shape, after[name].shape, strict=True)
        for axis, (old, new) in enumerate(shapes):
            if old != new:
                found[name] = axis
    return found


def _renumber(owner: nn.Module, name: str, axis: int, pairs: Pairs) -> None:
    """Let row `new` of a tensor along an axis become what row `old` was.

    A grouped convolution numbers the inputs of each of its groups from 0; they move alike.
    """
    tensor: Tensor = getattr(owner, name)
    new, old = (torch.tensor(pairs) % tensor.shape[axis]).T
    made = tensor.data.index_copy(axis, new, tensor.data.index_select(axis, old))
    setattr(owner, name, nn.Parameter(made) if isinstance(tensor, nn.Parameter) else made)


def _randomise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights so that every channel counts, and differs from the others."""
    for values in network.parameters():
        if values.ndim <= 1:
            values.data.uniform_(0.5, 1.5, generator=generator)
        else:
            spread = (2 / values[0].numel()) ** 0.5
            values.data.normal_(0, spread, generator=generator)
    for name, kept in network.named_buffers():
        if name.endswith("running_mean"):
            kept.normal_(0, 0.5, generator=generator)
        elif name.endswith("running_var"):
            kept.uniform_(0.5, 1.5, generator=generator)


@contextmanager
def _put_back(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Give modules back their tensors and settings in the end."""
    before = [(m, dict(vars(m)), dict(m._parameters), dict(m._buffers)) for m in modules]
    try:
        yield
    finally:
        for module, settings, parameters, buffers in before:
            vars(module).update(settings)
            module._parameters.clear()
            module._parameters.update(parameters)
            module._buffers.clear()
            module._buffers.update(buffers)
