"""How wide the layers of a pruned network were and are, by its record and its weights."""

import json
from collections import Counter
from pathlib import Path

from benchmarks.report.schema import WidthEntry
from edgepress.core.artifact import Artifact


def widths_of(model: Artifact) -> tuple[WidthEntry, ...]:
    """Return the layers that pruning has narrowed, in the order of their names.

    Of layers that lose their channels together the record names one. Those of blocks that went
    later are left out; so is everything where the weights are not PyTorch's.
    """
    architecture = model.manifest.architecture
    if model.manifest.kind != "torch" or architecture is None:
        return ()
    gone = Counter[str]()
    for entry in architecture.pruning_history:
        if not isinstance(entry, str):
            name, outputs, channels = entry
            gone[name] += len(channels) if outputs else 0
    left = _widths(model.weights) if gone else {}
    return tuple(
        WidthEntry(layer=name, before=left[name] + gone[name], after=left[name])
        for name in sorted(gone, key=_place)
        if name in left and gone[name]
    )


def _widths(weights: Path) -> dict[str, int]:
    """Return how many channels each layer makes, by the head of a safetensors file.

    It is JSON behind eight bytes that say how long it is.
    """
    with weights.open("rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    ending = ".weight"
    shapes = {name: about["shape"] for name, about in head.items() if name.endswith(ending)}
    return {name.removesuffix(ending): shape[0] for name, shape in shapes.items() if shape}


def _place(layer: str) -> list[tuple[int, str]]:
    """Return what sorts the layers of a network as their numbers count.

    >>> sorted(["blocks.10.conv", "blocks.9.conv"], key=_place)
    ['blocks.9.conv', 'blocks.10.conv']
    """
    return [(int(part), "") if part.isdigit() else (-1, part) for part in layer.split(".")]
