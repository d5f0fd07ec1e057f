"""What the unpruned network takes, and how much of it is left without the blocks that are gone."""

from collections.abc import Mapping

from pydantic import Field
from torch import nn

from benchmarks.gates.budgets import Budgets
from compress.pruning.budget import measuring
from compress.pruning.budget.limits import MEASURED
from compress.pruning.budget.measuring import Files
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from models.stored import count_params, macs_at, places


class Unpruned(Noun):
    """What shares of budgets are shares of."""

    file: dict[str, float] = Field(default_factory=dict)
    """What its file takes, by the metrics that are measured and limited: bytes, seconds; for a time
    of which only shares are limited, 1."""
    left: dict[str, float] = Field(default_factory=dict)
    """By metric, what the network that is to be pruned takes of it; nothing where it has all
    blocks."""


def measured(
    whole: nn.Module, network: nn.Module, spec: ImageSpec, budgets: Budgets, files: Files | None
) -> Unpruned:
    """Return what the unpruned network takes.

    Args:
        whole: That network.
        network: The same one, without the blocks that are gone.
        spec: Their images.
        budgets: What is limited.
        files: Writes and times files; `None` where no budget needs one.

    Raises:
        GateUndecided: this machine is too noisy to tell.
        UserError: a file cannot be written, or does not run.
    """
    file = {} if files is None else _of_file(budgets, files)
    if count_params(network) == count_params(whole):
        return Unpruned(file=file)
    multiplied = places(whole, spec)
    left = {
        "macs": macs_at(network, multiplied) / macs_at(whole, multiplied),
        "params": count_params(network) / count_params(whole),
    }
    if files is not None:
        left |= _left_of_file(network, budgets, files, file)
    return Unpruned(file=file, left=left)


def _of_file(budgets: Budgets, files: Files) -> dict[str, float]:
    found = {"size": float(files.whole.size_bytes)}
    latency = budgets.about("latency")
    if latency:
        absolute = not all(one.relative for one in latency)
        found["latency"] = measuring.whole_s(files) if absolute else 1.0
    return found


def _left_of_file(
    network: nn.Module, budgets: Budgets, files: Files, whole: Mapping[str, float]
) -> Mapping[str, float]:
    """Return what the file of a network takes of the unpruned one's.

    Raises:
        GateUndecided: this machine is too noisy to tell.
        UserError: it cannot be written, or does not run.
    """
    limited = budgets.about(*MEASURED)
    shares = {one: one.limit if one.relative else one.limit / whole[one.metric] for one in limited}
    return measuring.parts(files, network, shares)
