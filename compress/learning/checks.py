"""What a training stage refuses before it reads an image: what is known is not found out later."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gates import verdicts as gates
from benchmarks.gates.checks import Scene, require_decidable, trained
from benchmarks.thresholds.demands import parse_demand, parse_demands
from edgepress.core import artifact as artifacts
from edgepress.core import writable
from edgepress.core.errors import UserError


@dataclass(frozen=True)
class Asked:
    """What is asked of a stage, as far as it can be judged without data."""

    gates: tuple[str, ...]
    demands: tuple[str, ...]
    out: Path
    models: tuple[Path, ...] = ()
    """What it starts from; the first is what gates compare with. None need be there yet."""


def check(asked: Asked, labels: Sequence[str] | None = None) -> None:
    """Refuse what could only fail after the work.

    Args:
        asked: Gates, demands and places.
        labels: Names of the labels, where they are known.

    Raises:
        UserError: a gate or demand that cannot be read, is of an unknown label, or cannot be
            measured, or a place where nothing can be written.
    """
    wanted = gates.parse_all(asked.gates)
    references = tuple(path.resolve().name for path in asked.models[:1])
    require_decidable(wanted, Scene(trained(), labels, references))
    check_demands(asked.demands, labels)
    check_place(asked.out, asked.models)


def check_demands(demands: Sequence[str], labels: Sequence[str] | None) -> None:
    """Refuse demands that cannot be read, or are of a label that there is not.

    Raises:
        UserError: there is one.
    """
    if labels is not None:
        parse_demands(demands, labels)
    for demand in demands:
        parse_demand(demand)


def check_place(out: Path, models: Sequence[Path]) -> None:
    """Refuse an output folder that cannot be written, or that holds what is to be read.

    Raises:
        UserError: it cannot, or does.
    """
    if any(out.resolve() == path.resolve() for path in models):
        raise UserError("The output would replace the model it is made from", got=out)
    artifacts.check_replaceable(out)
    writable.check_folder(out.parent, "The artifact's folder")
