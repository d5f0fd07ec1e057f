"""What a training stage refuses before it reads an image: what is known is not found out later."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gates import verdicts as gates
from benchmarks.gates.checks import Scene, require_decidable, trained
from benchmarks.thresholds.demands import parse_demand, parse_demands
from edgepress.core import artifact as artifacts


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
    artifacts.check_place(asked.out, asked.models)


def check_demands(demands: Sequence[str], labels: Sequence[str] | None) -> None:
    """Refuse demands that cannot be read, or are of a label that there is not.

    Raises:
        UserError: there is one.
    """
    if labels is not None:
        parse_demands(demands, labels)
    for demand in demands:
        parse_demand(demand)
