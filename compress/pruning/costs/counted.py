"""What can be counted of a network by its widths: multiply-accumulates, parameters, bytes.

Nothing is pruned to count: of each tensor it is known which groups of channels its sides belong to,
so a width tells how much of it is left.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch_pruning
from torch import Tensor, nn

from compress.pruning.coupling import Coupled
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Precision
from models.basis.torch_process import evaluating
from models.blank import blank_image
from models.network_output import LAYERS, output_layers
from models.stored import places

FLOAT_BYTES = 4
CHANNEL_BYTES = 21
"""Of each output channel of an int8 layer, beside its weights of a byte each: the scale of its
weights (4) and their zero point (1), a bias (4) with its scale (4) and zero point (4), and what
tools write of them; ONNX Runtime's `quantize_static`, scales per channel."""


@dataclass(frozen=True)
class _Side:
    """A side of a tensor: how long it is, and the groups of channels along it."""

    whole: int
    rows: tuple[tuple[str, int, int], ...] = ()
    """(name of a group, its width, rows along this side that belong to it)"""

    def left(self, widths: Mapping[str, int]) -> int:
        gone = ((whole - widths.get(name, whole)) * n // whole for name, whole, n in self.rows)
        return self.whole - sum(gone)


@dataclass(frozen=True)
class _Values:
    """A tensor, what each of its values costs, and the sides that become shorter."""

    number: int
    cost: float
    sides: tuple[_Side, ...]

    def left(self, widths: Mapping[str, int]) -> float:
        number = self.number
        for side in self.sides:
            number = number * side.left(widths) // side.whole
        return self.cost * number


@dataclass(frozen=True)
class Counted:
    """A cost that is so much for each value of each tensor."""

    unit: str
    values: tuple[_Values, ...]
    constant: float = 0.0
    """Of whatever the widths do not change."""

    def total(self, widths: Mapping[str, int]) -> float:
        """Return what all of the network costs; groups that are not named are whole."""
        return self.constant + sum(one.left(widths) for one in self.values)


@dataclass(frozen=True)
class Counting:
    """A network and the groups of its channels, to count it by their widths."""

    network: nn.Module
    spec: ImageSpec
    graph: torch_pruning.DependencyGraph
    groups: tuple[Coupled, ...]

    def macs(self) -> Counted:
        """Return the multiply-accumulates of one image."""
        multiplied, weights = places(self.network, self.spec), self._weights
        each = (self._weight(name, n) for name, n in multiplied.items() if name in weights)
        return Counted("MAC", tuple(each))

    def params(self) -> Counted:
        """Return the learnable values."""
        return Counted("parameters", tuple(self._all({}, 1.0)))

    def size(self, precision: Precision, whole_bytes: int) -> Counted:
        """Return the bytes of an exported file.

        Batch norms are part of the layer before them. The layers that read the image, and those
        that make the output, stay float in an int8 file.

        Args:
            precision: `fp32` or `int8`.
            whole_bytes: Size of the file of the whole network, so that what is not a weight counts.
        """
        small = self._integer_layers() if precision == "int8" else set()
        values: list[_Values] = []
        for name, layer in self._weights.items():
            values.append(self._weight(name, 1.0 if name in small else FLOAT_BYTES))
            side, cost = self._side(layer, True), CHANNEL_BYTES if name in small else FLOAT_BYTES
            values.append(_Values(side.whole, cost, (side,)))
        counted = Counted("B", tuple(values))
        return Counted("B", counted.values, whole_bytes - counted.total({}))

    @cached_property
    def _weights(self) -> dict[str, nn.Module]:
        named = self.network.named_modules()
        return {name: layer for name, layer in named if isinstance(layer, LAYERS)}

    @cached_property
    def _rows(self) -> dict[tuple[object, bool], dict[tuple[str, int], set[int]]]:
        """Return the rows of each module that belong to each group, on its output or input side."""
        found: dict[tuple[object, bool], dict[tuple[str, int], set[int]]] = {}
        for one in self.groups:
            for dep, rows in one.group:
                side = dep.target.module, bool(self.graph.is_out_channel_pruning_fn(dep.handler))
                own = found.setdefault(side, {}).setdefault((one.name, one.width), set())
                own.update(rows)
        return found

    def _side(self, module: nn.Module | nn.Parameter, out: bool) -> _Side:
        """Return the output or input side of a layer, or the one side of anything else."""
        rows = self._rows.get((module, out), {})
        if isinstance(module, LAYERS):
            pruner = self.graph.get_pruner_of_module(module)
            count = pruner.get_out_channels if out else pruner.get_in_channels
            whole = int(count(module))
        else:
            whole = max((max(own) + 1 for own in rows.values()), default=1)
        return _Side(whole, tuple((*key, len(own)) for key, own in rows.items()))

    def _weight(self, name: str, cost: float) -> _Values:
        layer = self._weights[name]
        out = self._side(layer, True)
        each = (out,) if _depthwise(layer) else (out, self._side(layer, False))
        weight: Tensor = layer.weight  # type: ignore[assignment]
        return _Values(weight.numel(), cost, each)

    def _all(self, seen: Mapping[int, object], cost: float) -> Iterator[_Values]:
        """Yield every parameter once."""
        known = dict(seen)
        for name, module in self.network.named_modules():
            for own, parameter in module.named_parameters(recurse=False):
                if id(parameter) in known:
                    continue
                known[id(parameter)] = parameter
                if name in self._weights and own == "weight":
                    yield self._weight(name, cost)
                else:
                    yield _Values(parameter.numel(), cost, (self._alone(module, parameter),))

    def _alone(self, module: nn.Module, parameter: nn.Parameter) -> _Side:
        """Return the side of a parameter that has one only: of a bias, a norm, or one by itself."""
        for owner in (parameter, module):
            for out in (True, False):
                if (owner, out) in self._rows and not (isinstance(owner, LAYERS) and not out):
                    return self._side(owner, out)
        return _Side(1)

    def _integer_layers(self) -> set[str]:
        """Return the names of layers that neither read the image nor make the output."""
        images = blank_image(self.spec)
        with evaluating(self.network):
            ends = {*output_layers(self.network, images), *_stems(self.network, images)}
        return set(self._weights) - ends


def _depthwise(layer: nn.Module) -> bool:
    groups = getattr(layer, "groups", 1)
    return bool(groups > 1 and groups == layer.out_channels)


def _stems(network: nn.Module, images: Tensor) -> Iterable[str]:
    """Return the names of layers that read the image itself."""
    found = Counter[str]()

    def hook(name: str) -> object:
        def look(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found[name] += inputs[0].shape == images.shape and inputs[0].data_ptr() == start

        return look

    start = images.data_ptr()
    hooks = [
        layer.register_forward_pre_hook(hook(name))  # type: ignore[arg-type]
        for name, layer in network.named_modules()
        if isinstance(layer, LAYERS)
    ]
    try:
        with torch.inference_mode():
            network(images)
    finally:
        for one in hooks:
            one.remove()
    return [name for name, n in found.items() if n]
