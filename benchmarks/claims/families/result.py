"""What became of each architecture, and the table of it."""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

OK = "ok"
Step = Literal["train", "prune", "replay", "export"]
HEADER = ("family", "architecture", "px", "fp32 parity", "int8 parity", "int8 layers", "outcome")


class Outcome(Noun):
    """What became of one architecture."""

    family: str
    """Module of timm, or `torchvision`'s."""
    architecture: str
    image_size: int
    """Height and width, pixels."""
    outcome: str
    """`ok`, or one sentence that says why not."""
    failed_step: Step | None = None
    """The command that ended with an error, or whose result is not sound."""
    float_prob_diff: float | None = None
    """Largest difference of a probability, of the fp32 export from PyTorch."""
    int8_prob_diff: float | None = None
    """Largest difference of a probability, of the int8 file from the fp32 one."""
    int8_layers: int | None = None
    """Convolutions and dense layers that run as integers."""
    layers: int | None = None
    """All convolutions and dense layers of the file."""
    params: int | None = None
    seconds: float
    """What the commands took, with their starts."""


class Result(Noun):
    """What became of all, and where."""

    command: str = "python -m benchmarks.claims.families"
    outcomes: tuple[Outcome, ...]
    environment: dict[str, Any]


Of = TypeVar("Of", bound=Outcome)


def merged(before: Sequence[Of], new: Of) -> tuple[Of, ...]:
    """Return outcomes with one more, in place of an earlier one of its architecture, in order."""
    others = [one for one in before if one.architecture != new.architecture]
    return tuple(sorted([*others, new], key=lambda one: (one.family, one.architecture)))


def table(result: Result) -> str:
    """Return the table, with a line that counts above it."""
    good = sum(one.outcome == OK for one in result.outcomes)
    count = f"{good} of {len(result.outcomes)} architectures, one a family, went the whole way"
    lines = table_md(HEADER, [_row(one) for one in result.outcomes], left={0, 1, 6})
    return f"{count} (`{result.command}`).\n\n{lines}"


def _row(one: Outcome) -> tuple[str, ...]:
    layers = "" if one.layers is None else f"{one.int8_layers} of {one.layers}"
    return (
        one.family, one.architecture, str(one.image_size), shown(one.float_prob_diff),
        shown(one.int8_prob_diff), layers, one.outcome,
    )  # fmt: skip


def shown(difference: float | None) -> str:
    """Return a difference as the table has it."""
    return "" if difference is None else f"{difference:.1e}"
