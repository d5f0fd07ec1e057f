"""The folder of files that are timed: one network at several widths, with random weights."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile
from typing import Literal

import onnx
from torch import nn

from benchmarks.operators.variants import INDEX
from compress.pruning.costs.groups import Group, Size, narrowed, sizes
from compress.stand_ins import costs
from compress.stand_ins.costs import Integers
from edgepress.core import console, writable
from edgepress.core.hashing import file_sha256
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from models.onnx_graph.index import GraphIndex, attribute

REFERENCE = 2
"""The variant that runs beside all others: the first one between the whole and the narrowest."""


class File(Noun):
    """One variant."""

    name: str
    sha256: str
    widths: dict[str, int]


class About(Noun):
    """What the variants are of and for."""

    network: str
    """Hash of the network and of its image spec."""
    target: str
    precision: Literal["fp32", "int8"]
    round_to: int
    seed: int


class Index(Noun):
    """`index.json` of the folder; `benchmarks.operators` reads the first fields, on a device."""

    schema_version: Literal[1] = 1
    files: tuple[File, ...]
    reference: str
    input: tuple[int, ...]
    threads: int
    about: About
    groups: dict[str, int]
    """Width of each group in the whole network."""
    sizes: tuple[Size, ...]
    """What layers read and make."""
    kernels: dict[str, str]
    """Of each convolution by its name in the files, e.g. `3x3/32`: size and groups."""


@dataclass(frozen=True)
class Plan:
    """Which variants there are to be."""

    about: About
    threads: int
    groups: tuple[Group, ...]
    widths: tuple[dict[str, int], ...]
    """Of each variant: the whole network first, then the narrowest."""
    integers: Integers | None
    """`None` is fp32."""

    def with_widths(self, widths: Sequence[dict[str, int]]) -> "Plan":
        """Return a plan of other variants of the same network."""
        return replace(self, widths=tuple(widths))


def write(folder: Path, network: nn.Module, spec: ImageSpec, plan: Plan) -> Index:
    """Write all variants that are not there yet, and their index in the end.

    Raises:
        UserError: the network cannot be exported or quantized.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    steps = console.track(plan.widths, "exporting variants")
    for number, widths in enumerate(steps):
        file = folder / f"variant-{number}.onnx"
        if not file.exists():
            console.say(f"  exporting variant {number + 1} of {len(plan.widths)}")
            _export(narrowed(network, spec, plan.groups, widths), spec, plan.integers, file)
        files.append(File(name=file.name, sha256=file_sha256(file), widths=widths))
    index = Index(
        files=tuple(files),
        reference=files[REFERENCE].name,
        input=(1, *spec.shape),
        threads=plan.threads,
        about=plan.about,
        groups={group.name: group.width for group in plan.groups},
        sizes=sizes(network, spec, plan.groups),
        kernels=_kernels(folder / files[0].name),
    )
    writable.write_json(folder / INDEX, index, "The index of the variants")
    return index


def _export(network: nn.Module, spec: ImageSpec, integers: Integers | None, file: Path) -> None:
    """Write a network as a file.

    Raises:
        UserError: it cannot be exported or quantized.
    """
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        path = Path(folder) / "variant"
        made = costs.stand_in(network, spec, integers is not None, path, integers or costs.HERE)
        with writable.drafted(file) as draft:
            copyfile(made.weights, draft)


def _kernels(file: Path) -> dict[str, str]:
    """Return the size and the groups of each convolution of a file by its name and its output's."""
    model = onnx.load(file)
    index = GraphIndex(model)
    found = dict[str, str]()
    for node in model.graph.node:
        if node.op_type == "Conv":
            shown = _kernel(index, node)
            found |= {node.name: shown, node.output[0]: shown}
    return found


def _kernel(index: GraphIndex, node: onnx.NodeProto) -> str:
    size = "x".join(map(str, attribute(node, "kernel_shape", ())))
    grouped = attribute(node, "group", 1) > 1
    return f"{size} {'grouped' if grouped else 'dense'}"
