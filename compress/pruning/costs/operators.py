"""The operators of a network, and how many channels each reads and makes at any widths.

How many that are is read from the shapes that the profiler tells, which vary from variant to
variant. The network's own layers vary too, in ways that are known by groups; whatever varies as one
of them, or a multiple of it, is of its groups.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from compress.pruning.costs.groups import Size
from compress.pruning.costs.times import Floats, Node, Shape, Times
from compress.pruning.costs.variants import Index
from edgepress.core.noun import Noun

_SUFFIXES = re.compile(r"(_token_\d+|_nchwc|_nhwc)+$")
"""What ONNX Runtime adds to a name."""


class Operator(Noun):
    """A node that ONNX Runtime executes, in all variants."""

    name: str
    kind: str
    """Its type, kernel, inputs, and shapes but for channels, of which one kind is one function."""
    reads: Size
    """Values that it reads, in units of what does not vary."""
    makes: Size
    seconds: tuple[float, ...]
    """In each variant; 0 where the runtime did without it."""


@dataclass(frozen=True)
class Design:
    """The variants: how wide their groups are, and how many channels layers have in them."""

    names: tuple[str, ...]
    whole: Floats
    """Widths of the groups in the whole network, `[groups]`."""
    removed: Floats
    """Channels that variants lack, `[variants, groups]`."""
    sizes: tuple[Size, ...]

    @classmethod
    def of(
        cls, groups: Mapping[str, int], widths: Sequence[Mapping[str, int]], sizes: Sequence[Size]
    ) -> "Design":
        """Return the design of variants with these widths; groups not named are whole."""
        whole = np.array(list(groups.values()), float)
        taken = [[one.get(name, full) for name, full in groups.items()] for one in widths]
        removed = whole - np.array(taken, float).reshape(len(widths), len(groups))
        return cls(tuple(groups), whole, removed, tuple(sizes))

    def at(self, size: Size) -> Floats:
        """Return a size in each variant."""
        by = np.array([size.by.get(name, 0.0) for name in self.names])
        found: Floats = size.whole - self.removed @ by
        return found

    def found(self, values: Floats, rows: Sequence[int]) -> Size:
        """Return the size that has these values in some of the variants."""
        if np.ptp(values) == 0:
            return Size(whole=values[0], by={})
        for size in self.sizes:
            known = self.at(size)[rows]
            times = values[0] / known[0]
            if np.allclose(values, times * known, rtol=1e-9):
                by = {name: times * each for name, each in size.by.items()}
                return Size(whole=times * size.whole, by=by)
        return self._fitted(values, rows)

    def _fitted(self, values: Floats, rows: Sequence[int]) -> Size:
        """Return a size that comes near, for want of one that fits, as where two are multiplied."""
        left = np.column_stack([np.ones(len(rows)), self.whole - self.removed[rows]])
        scale = left.max(axis=0)
        constant, *by = nnls(left / scale, values)[0] / scale
        return Size(
            whole=constant + float(self.whole @ by),
            by={name: float(each) for name, each in zip(self.names, by, strict=True) if each},
        )


def operators(index: Index, times: Times) -> tuple[Operator, ...]:
    """Return the operators of all variants, with their times."""
    design = Design.of(index.groups, [file.widths for file in index.files], index.sizes)
    seen: dict[str, dict[int, tuple[Node, float]]] = defaultdict(dict)
    for row, file in enumerate(index.files):
        timed = zip(times.nodes[file.name], times.nodes_s(file.name), strict=True)
        counted = Counter[str]()
        for node, taken in timed:
            name = _SUFFIXES.sub("", node.name)
            counted[name] += 1
            seen[f"{name} {counted[name]}"][row] = (node, float(taken))
    return tuple(_operator(name, found, design, index) for name, found in seen.items())


def _operator(
    name: str, found: Mapping[int, tuple[Node, float]], design: Design, index: Index
) -> Operator:
    rows = list(found)
    nodes = [node for node, _ in found.values()]
    reads, reading = _varying([_first(node.reads) for node in nodes])
    makes, making = _varying([_first(node.makes) for node in nodes])
    inputs = len([shape for shape in nodes[0].reads if len(shape) > 1])
    kernel = index.kernels.get(name.rpartition(" ")[0], "")
    ((op_type, _),) = Counter(node.op_type for node in nodes).most_common(1)
    return Operator(
        name=name,
        kind=f"{op_type} {kernel} {inputs} {reading} > {making}".replace("  ", " "),
        reads=design.found(reads, rows),
        makes=design.found(makes, rows),
        seconds=tuple(found[row][1] if row in found else 0.0 for row in range(len(index.files))),
    )


def _first(shapes: Sequence[Shape]) -> Shape:
    return shapes[0] if shapes else ()


def _varying(shapes: Sequence[Shape]) -> tuple[Floats, str]:
    """Return the product of those axes that vary, for each shape, and the others in words."""
    if len({len(shape) for shape in shapes}) > 1:
        return np.array([np.prod(shape, initial=1.0) for shape in shapes]), "?"
    axes = list(zip(*shapes, strict=True))
    free = [len({*axis}) > 1 for axis in axes]
    values = [
        [one for one, is_free in zip(shape, free, strict=True) if is_free] for shape in shapes
    ]
    words = ("*" if is_free else str(axis[0]) for axis, is_free in zip(axes, free, strict=True))
    return np.array([np.prod(one, initial=1.0) for one in values]), ",".join(words)
