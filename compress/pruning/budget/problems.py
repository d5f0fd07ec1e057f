"""What is to be planned for a network: its groups of channels, their costs, and the limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from compress.pruning.allocation import Problem
from compress.pruning.budget.limits import Proportional, limits_of
from compress.pruning.budget.options import Options
from compress.pruning.budget.tables import table_options
from compress.pruning.budget.unpruned import Unpruned
from compress.pruning.costs.counted import Counting
from compress.pruning.costs.latency import LatencyTable, latency_table, of_another
from compress.pruning.costs.protocol import Costs
from compress.pruning.coupling import coupled
from compress.pruning.kept_layers import Kept
from compress.pruning.shrinking import widths_of
from edgepress.core.image_spec import ImageSpec
from models.blank import blank_image


def problem_of(
    network: nn.Module, spec: ImageSpec, options: Options, kept: Kept, unpruned: Unpruned
) -> Problem:
    """Return what is to be planned, see `problems_of`.

    Raises:
        UserError: as there.
        GateUndecided: as there.
    """
    (problem,) = problems_of(network, spec, options, (kept,), unpruned)
    return problem


def problems_of(
    network: nn.Module,
    spec: ImageSpec,
    options: Options,
    keeps: Sequence[Kept],
    unpruned: Unpruned,
) -> tuple[Problem, ...]:
    """Return what is to be planned, for different layers that keep their width.

    Args:
        network: It is left as it is.
        spec: Its images.
        options: Budgets, and what may go.
        keeps: What may not, for each problem.
        unpruned: What it takes with all its blocks, and is left of that.

    Raises:
        UserError: torch-pruning cannot follow the network, it keeps all budgets as it is, or there
            is no table of what its widths cost in time.
        GateUndecided: this machine is too noisy to make that table.
    """
    table = None
    if options.budgets.about("latency"):
        table = latency_table(network, spec, table_options(options))
    return tuple(_problem(network, spec, options, kept, _Known(unpruned, table)) for kept in keeps)


@dataclass(frozen=True)
class _Known:
    """What is measured of a network, whatever is planned."""

    unpruned: Unpruned
    table: LatencyTable | None
    """`None` where no latency is limited."""


def _problem(
    network: nn.Module, spec: ImageSpec, options: Options, kept: Kept, known: _Known
) -> Problem:
    """Return what is to be planned.

    Raises:
        UserError: torch-pruning cannot follow the network, or it keeps all budgets as it is.
    """
    images, unpruned, table = blank_image(spec), known.unpruned, known.table
    graph, groups = coupled(network, images, kept.layers)
    counting = Counting(network, spec, graph, groups)
    found: dict[str, Costs] = {"macs": counting.macs(), "params": counting.params()}
    file = {name: whole * unpruned.left.get(name, 1.0) for name, whole in unpruned.file.items()}
    if "size" in file:
        found["size"] = counting.size(options.precision, round(file["size"]))
    predicted = dict[str, str]()
    if table is not None:
        groups = tuple(one for one in groups if one.name in table.groups)
        predicted["latency"] = of_another(table_options(options))
        timed = file.get("latency")
        found["latency"] = table if timed is None else Proportional("s", table, timed)
    limits = limits_of(options.budgets, found, unpruned.left, predicted)
    return Problem(network, images, widths_of(network, options, kept), groups, limits)


def telling(problem: Problem) -> Problem:
    """Return a problem without the groups of which the importance says nothing: they stay whole."""
    groups = tuple(one for one in problem.groups if problem.worth(one) is not None)
    return replace(problem, groups=groups)
