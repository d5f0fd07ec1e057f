"""What became of each architecture that was pruned, and the table of it."""

from typing import Any

from benchmarks.claims.families.result import OK, Outcome, shown
from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

HEADER = (
    "family", "architecture", "px", "layers narrowed", "MACs kept", "fp32 parity", "int8 parity",
    "outcome", "exit",
)  # fmt: skip
LEFT = {0, 1, 7}


class Pruned(Outcome):
    """What became of one architecture, half of whose multiply-accumulates were to go."""

    exit_code: int | None = None
    """Of `compress.prune`; `None` where it was not run, or did not end by itself."""
    narrowed: int | None = None
    """Convolutions and dense layers that have fewer channels than before."""
    prunable: int | None = None
    """All of them."""
    macs_before: int | None = None
    macs: int | None = None
    """Multiply-accumulates of one image, after."""


class Result(Noun):
    """What became of all, and where."""

    command: str = "python -m benchmarks.claims.families --pruned"
    outcomes: tuple[Pruned, ...]
    environment: dict[str, Any]


def table(result: Result) -> str:
    """Return the table, with a line that counts above it."""
    good = sum(one.outcome == OK for one in result.outcomes)
    count = f"{good} of {len(result.outcomes)} architectures, one a family, went the whole way"
    lines = table_md(HEADER, [_row(one) for one in result.outcomes], left=LEFT)
    return f"{count} (`{result.command}`).\n\n{lines}"


def _row(one: Pruned) -> tuple[str, ...]:
    layers = "" if one.narrowed is None else f"{one.narrowed} of {one.prunable}"
    kept = f"{one.macs / one.macs_before:.0%}" if one.macs and one.macs_before else ""
    code = "" if one.exit_code is None else str(one.exit_code)
    return (
        one.family, one.architecture, str(one.image_size), layers, kept,
        shown(one.float_prob_diff), shown(one.int8_prob_diff), one.outcome, code,
    )  # fmt: skip
