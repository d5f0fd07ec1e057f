"""Devices that files are made for: of the room above, found by name as stages of recipes are."""

import importlib
from typing import Any

from compress.planning.students import costs
from compress.planning.students.costs import Integers
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.core.source import source_hash

TARGETS = "export.targets"


def resolve(name: str, precision: Precision) -> Any:
    """Return a target (`export/targets`) that takes a number format.

    Raises:
        UserError: no such target, or it does not.
    """
    targets = importlib.import_module(TARGETS)
    target = targets.resolve(name, precision)
    targets.require_precision(target, precision)
    return target


def integers_of(target: Any) -> Integers:
    """Return the numbers of a target's int8 files."""
    return Integers(
        target.activation_type,
        target.weight_type,
        target.per_channel,
        target.reduce_range,
        target.quantizer_options,
    )


def is_timed_here(target: Any) -> bool:
    """Tell whether this machine is the target, and its runtime the one that stand-ins run in."""
    return bool(target.provider == costs.PROVIDER and target.runs_here(this_cpu().kind))


def require_timed_here(target: Any) -> None:
    """Refuse a target whose latency cannot be measured on this machine.

    Raises:
        UserError: it is one.
    """
    if not is_timed_here(target):
        raise UserError(
            "Latency is measured on this machine, which is not the target",
            got=f"--target {target.name}",
            next_step="leave --target out, or give a budget on size, macs or params",
        )


def identity(target: Any) -> str:
    """Return a hash of what a target is."""
    targets = importlib.import_module(TARGETS)
    return source_hash(targets.module_of(target))
