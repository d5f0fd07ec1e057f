"""What files are for: a device by its name, and the integers that it takes.

The devices are of the room above, and are looked up by name there, as stages of recipes are.
"""

import importlib
from typing import Any

from compress.stand_ins.costs import PROVIDER, Integers
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.core.source import source_hash

TARGETS = "export.targets"


def find(name: str, precision: Precision = "int8") -> Any:
    """Return a target.

    Raises:
        UserError: there is none of this name, or it does not take the precision.
    """
    targets = importlib.import_module(TARGETS)
    target = targets.resolve(name, precision)
    targets.require_precision(target, precision)
    return target


def integers_of(target: Any) -> Integers:
    """Return the numbers of an int8 file for a target."""
    return Integers(
        target.activation_type,
        target.weight_type,
        target.per_channel,
        target.reduce_range,
        target.quantizer_options,
    )


def identity(target: Any) -> str:
    """Return a hash of what a target is."""
    return source_hash(importlib.import_module(TARGETS).module_of(target))


def is_timed_here(target: Any) -> bool:
    """Tell whether a target is the CPU of this machine, under ONNX Runtime."""
    return bool(target.provider == PROVIDER and target.runs_here(this_cpu().kind))


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
