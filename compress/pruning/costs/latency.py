"""The table of what widths cost in seconds: from the cache, from a device, or measured here.

A handful of files of the network, of random weights and different widths, are exported, and timed
by what also runs on a device (`benchmarks.operators`). Files, index and times lie in the cache, in
a folder that can be copied to the device.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from torch import nn

from benchmarks.operators import machine, rounds, variants
from benchmarks.operators.visits import Visit
from compress.pruning.costs import design, times
from compress.pruning.costs.groups import found_groups
from compress.pruning.costs.operators import Design, operators
from compress.pruning.costs.table import LatencyTable, Network, checked
from compress.pruning.costs.times import Times
from compress.pruning.costs.variants import About, Index, Plan, write
from compress.pruning.kept_layers import kept_layers
from compress.stand_ins import targets
from edgepress.core import console, place, writable
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from edgepress.core.source import own_source, source_hash
from edgepress.data.cache import cache_dir
from models.blank import blank_image

__all__ = ["LatencyTable", "TableOptions", "latency_table"]

USUAL_ERRORS = (0.05, 0.12)
"""Median and worst error of a prediction, from which on a table is said to be coarse."""


class TableOptions(Noun):
    """What a table is for, and how it is made."""

    precision: Literal["fp32", "int8"] = "int8"
    target: str = "auto"
    """What the file is for (`export/targets`); `auto` is this CPU."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference."""
    round_to: int = Field(16, ge=1)
    """Widths that are measured are multiples of this."""
    variants: int = Field(10, ge=6)
    """Files that are exported and timed."""
    longest_s: float = Field(rounds.LONGEST_S, gt=0)
    """Time after which no round of measuring is begun, seconds."""
    seed: int = 0
    """Of the widths."""
    times: Path | None = None
    """Times that `python -m benchmarks.latency_table` has written on another machine; by default
    they are measured here."""
    force: bool = False
    """Take times of another CPU or runtime than are here."""


def latency_table(
    network: nn.Module, spec: ImageSpec, options: TableOptions | None = None
) -> LatencyTable:
    """Return what a network takes by the widths of its groups; the weights do not matter.

    Raises:
        UserError: no such target, one whose files do not run here (without times of the device), a
            network that cannot be exported or followed, or times that are not of it.
        GateUndecided: the machine is too noisy to tell.
    """
    options = options or TableOptions()
    folder = folder_of(network, spec, options)
    with place.occupied(folder):
        index = _index(folder, network, spec, options)
        table = table_of(index, _times(folder, options))
        writable.write_json(folder / "table.json", table, "The table of latencies")
    _say(table)
    return table


def times_of(network: nn.Module, spec: ImageSpec, options: TableOptions) -> Times:
    """Return the times that a network's table is made of; the variants are made first.

    Raises:
        UserError: as `latency_table`.
        GateUndecided: the machine is too noisy to tell.
    """
    folder = folder_of(network, spec, options)
    with place.occupied(folder):
        _index(folder, network, spec, options)
        return _times(folder, options)


def of_another(options: TableOptions) -> str:
    """Return the CPU of the machine that given times are of; empty where it is this one, or none.

    Raises:
        UserError: they cannot be read, or are of another machine and not to be taken.
    """
    if options.times is None:
        return ""
    if not options.times.exists():  # which is said with what is to be timed
        return "another machine"
    there, here = times.loaded(options.times).machine, machine.describe(options.threads)
    _require_here(there, here, options)
    return there.get("cpu", "another machine") if machine.differences(there, here) else ""


def table_of(index: Index, found: Times) -> LatencyTable:
    """Return the table that the times of variants make."""
    made = operators(index, found)
    widths = [file.widths for file in index.files]
    measured = found.networks_s([file.name for file in index.files])
    predicted = checked(Design.of(index.groups, widths, ()), made, len(widths))
    return LatencyTable(
        about=index.about,
        machine=found.machine,
        rounds=len(found.visits) // len(index.files),
        noise=rounds.noise([Visit(**vars(visit)) for visit in found.visits]),
        reference_s=found.reference_s,
        groups=index.groups,
        operators=made,
        networks=tuple(
            Network(widths=one, seconds=taken, predicted_s=told)
            for one, taken, told in zip(widths, measured.tolist(), predicted, strict=True)
        ),
    )


def folder_of(network: nn.Module, spec: ImageSpec, options: TableOptions) -> Path:
    """Return the folder of variants, named by all that they hang on; weights they do not.

    Raises:
        UserError: no such target.
    """
    target = targets.find(options.target, options.precision)
    asked = options.model_dump(
        mode="json", include={"precision", "threads", "round_to", "variants", "seed"}
    )
    code = [source_hash("compress.stand_ins.costs"), own_source(*_MAKING)]
    numbers = vars(targets.integers_of(target))
    key = value_hash([_identity(network, spec), asked, target.name, numbers, *code])
    return cache_dir() / "latency-tables" / key


_MAKING = tuple(
    f"compress.pruning.costs.{name}" for name in ("design", "groups", "latency", "variants")
)


def _identity(network: nn.Module, spec: ImageSpec) -> str:
    """Return a hash of a network without its weights, and of what it sees."""
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    kind = f"{type(network).__module__}.{type(network).__qualname__}"
    return value_hash([kind, repr(network), shapes, spec.model_dump(mode="json")])


def _index(folder: Path, network: nn.Module, spec: ImageSpec, options: TableOptions) -> Index:
    """Return the index of the variants; they are made first where they are missing or damaged.

    Raises:
        UserError: the network cannot be exported, or none of its channels may go.
    """
    if (folder / variants.INDEX).is_file():
        try:
            variants.read(folder)
            return Index.model_validate_json((folder / variants.INDEX).read_bytes())
        except (UserError, ValueError):
            console.warn(f"what is damaged in the cache is made again: {folder}")
            _remove_damaged(folder)
    return write(folder, network, spec, planned(network, spec, options))


def _remove_damaged(folder: Path) -> None:
    """Remove the variants that are not as their index says, or all; and times, which are of it."""
    try:
        index = Index.model_validate_json((folder / variants.INDEX).read_bytes())
        whole = {one.name: one.sha256 for one in index.files}
    except ValueError:
        whole = {}
    for file in folder.glob("*.onnx"):
        if file_sha256(file) != whole.get(file.name):
            file.unlink()
    for file in folder.glob("*.json"):
        file.unlink()


def planned(network: nn.Module, spec: ImageSpec, options: TableOptions) -> Plan:
    """Return which variants there are to be.

    Raises:
        UserError: no such target, torch-pruning cannot follow the network, or no channels may go.
    """
    target = targets.find(options.target, options.precision)
    kept = kept_layers(network, blank_image(spec), (), residual=False).layers
    groups = found_groups(network, spec, kept)
    if not groups:
        raise UserError("No channels of this network can be pruned, so there is no table to make")
    about = About(
        network=_identity(network, spec),
        target=target.name,
        precision=options.precision,
        round_to=options.round_to,
        seed=options.seed,
    )
    return Plan(
        about=about,
        threads=options.threads,
        groups=groups,
        widths=tuple(design.spread(groups, options.round_to, options.variants, options.seed)),
        integers=None if options.precision == "fp32" else targets.integers_of(target),
    )


def _times(folder: Path, options: TableOptions) -> Times:
    """Return the times that were given, else those of this machine, which are measured first.

    Raises:
        UserError: they are of other variants or of another machine, or it has to be a device.
        GateUndecided: the machine is too noisy to tell.
    """
    here = machine.describe(options.threads)
    found = options.times
    target = targets.find(options.target, options.precision)
    if found is None and not targets.is_timed_here(target):
        raise UserError(
            f"Files for {target.name} are not timed on this machine, so there is no table yet",
            next_step=times.to_be_timed(folder),
        )
    if found is not None and not found.exists():
        raise UserError(
            "The times cannot be read: there are none yet",
            got=found,
            next_step=times.to_be_timed(folder),
        )
    timed = variants.read(folder)
    if found is None:
        found = folder / f"times-{value_hash(here)}.json"
        rounds.measure(rounds.Job(timed, found, options.longest_s), console.say)
    read = times.read(found, timed)
    _require_here(read.machine, here, options)
    return read


def _require_here(there: Mapping[str, str], here: Mapping[str, str], options: TableOptions) -> None:
    """Refuse times of another number of threads, and of another machine unless it is to be so.

    Raises:
        UserError: they are.
    """
    if there.get("threads") != here["threads"]:
        raise UserError(
            "The times are of another number of threads",
            got=f"{options.times}: {there.get('threads', 'unknown')}",
            allowed=here["threads"],
            next_step="make the variants for as many threads, or prune for those: --threads",
        )
    if not options.force and (other := machine.differences(there, here)):
        raise UserError(
            "The times are of another machine, and say little of this one",
            got=f"{options.times}: {other}",
            next_step="measure here, or take them for what they predict of theirs: --force-table",
        )


def _say(table: LatencyTable) -> None:
    median, worst = table.errors
    told = (
        f"latency table: whole networks that it has not seen are predicted within {median:.1%} "
        f"(median) and {worst:.1%} (worst)"
    )
    coarse = median > USUAL_ERRORS[0] or worst > USUAL_ERRORS[1]
    (console.warn if coarse else console.say)(told)
