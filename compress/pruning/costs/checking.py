"""Are networks as fast as their table predicts? Random prunings are exported and timed."""

import time
from dataclasses import dataclass

from torch import nn

from benchmarks.operators import rounds, variants
from compress.pruning.costs import design, times
from compress.pruning.costs.latency import TableOptions, folder_of, latency_table, planned
from compress.pruning.costs.table import LatencyTable, Network
from compress.pruning.costs.times import Floats
from compress.pruning.costs.variants import REFERENCE, write
from edgepress.core import console
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families

LABELS = 4


@dataclass(frozen=True)
class Checked:
    """A table, and networks that it has not seen."""

    table: LatencyTable
    made_s: float | None
    """How long it took; `None` where a part of it was in the cache."""
    networks: tuple[Network, ...]


def checked(name: str, image_size: int, prunings: int, options: TableOptions) -> Checked:
    """Make the table of an architecture, and measure random prunings of it.

    Raises:
        UserError: as `latency_table`, or no such architecture.
        GateUndecided: the machine is too noisy to tell.
    """
    spec = ImageSpec(height=image_size, width=image_size)
    network = families.skeleton(Architecture(name=name), LABELS).eval()
    fresh, start = not folder_of(network, spec, options).exists(), time.monotonic()
    table = latency_table(network, spec, options)
    made_s = time.monotonic() - start if fresh else None
    widths = _widths(network, spec, prunings, options)
    widths.insert(REFERENCE, table.networks[REFERENCE].widths)
    measured = table.reference_s * _shares(network, spec, widths, options)
    found = [
        Network(widths=one, seconds=taken, predicted_s=table.total(one))
        for one, taken in zip(widths, measured.tolist(), strict=True)
    ]
    return Checked(table, made_s, (*found[:REFERENCE], *found[REFERENCE + 1 :]))


def _widths(
    network: nn.Module, spec: ImageSpec, n: int, options: TableOptions
) -> list[design.Widths]:
    groups = planned(network, spec, options).groups
    return design.random_prunings(groups, options.round_to, n, options.seed + 1)


def _shares(
    network: nn.Module, spec: ImageSpec, widths: list[design.Widths], options: TableOptions
) -> Floats:
    """Return what networks of these widths take of the table's reference, which is among them.

    Raises:
        GateUndecided: the machine is too noisy to tell.
    """
    folder = folder_of(network, spec, options) / f"checks-{len(widths)}"
    plan = planned(network, spec, options)
    if not (folder / variants.INDEX).is_file():
        console.say(f"exporting {len(widths)} networks to be compared")
        write(folder, network, spec, plan.with_widths(widths))
    found = variants.read(folder)
    out = rounds.measure(rounds.Job(found, folder / "times.json", options.longest_s), console.say)
    read = times.read(out, found)
    return read.networks_s(found.files) / read.reference_s
