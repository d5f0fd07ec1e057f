"""A table of another machine's times: what is predicted by it, and what is measured all the same.

A file for a device is not timed here. So a latency that is limited is what the table predicts of
the device, and nothing of it is measured; sizes are those of files as ever.
"""

from torch import nn

from benchmarks.gates.budgets import Budgets
from compress.pruning.budget.options import Budgeting, Options
from compress.pruning.costs import latency
from compress.pruning.costs.latency import TableOptions
from compress.stand_ins import targets
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256
from edgepress.core.image_spec import ImageSpec


def table_options(options: Options) -> TableOptions:
    """Return how the table of a network is made, or which times it is made of."""
    return TableOptions(
        precision=options.precision,
        target=options.target,
        threads=options.threads,
        round_to=options.round_to,
        times=options.latency_table,
        force=options.force_table,
    )


def to_measure(options: Options) -> Budgets:
    """Return the budgets without those on a latency that a table of another machine predicts.

    Raises:
        UserError: its times cannot be read, or are of another machine without `--force-table`.
    """
    found = options.budgets
    if not latency.of_another(table_options(options)):
        return found
    return Budgets(each=tuple(one for one in found.each if one.metric != "latency"))


def identity(options: Budgeting) -> dict[str, str]:
    """Return the hash of the times that are given, by the option that names them."""
    file = options.latency_table
    return {"latency_table": file_sha256(file)} if file and file.is_file() else {}


def check(options: Options, remove_blocks: tuple[str, ...]) -> None:
    """Refuse times that serve no budget, or that are of no network which is known beforehand.

    Raises:
        UserError: they are such, cannot be read, or are of another machine.
    """
    if options.latency_table is None:
        return
    if not options.budgets.about("latency"):
        raise UserError(
            "A table of latencies serves a budget on latency only",
            got=f"--latency-table {options.latency_table}",
            next_step='leave it out, or give e.g. --budget "latency <= 40%"',
        )
    if remove_blocks:
        raise UserError(
            "The table of a device is of the network with all its blocks",
            got=f"--latency-table {options.latency_table} and --remove-blocks",
            next_step="remove the blocks in a run of its own, and make the table of what is left",
        )
    if not latency.of_another(table_options(options)):
        targets.require_timed_here(targets.find(options.target, options.precision))


def require_of(network: nn.Module, spec: ImageSpec, options: Options) -> None:
    """Refuse times that are not of a network, before its images are read.

    Raises:
        UserError: they are of another network, target, precision or number of threads, or there are
            none yet; what is to be timed is then ready.
    """
    if options.latency_table is not None:
        latency.times_of(network, spec, table_options(options))
