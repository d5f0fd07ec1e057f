"""Which processors give the answers that a bundle promises."""

from typing import Any

from benchmarks.report.markdown import table_md
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun


class Outcome(Noun):
    """What a processor made of the golden images."""

    processor: str
    images: int
    """That were answered."""
    max_prob_diff: float
    tolerance: float
    wrong_decisions: int
    """Labels that are not what the processor's own probabilities and the thresholds say."""
    crash: str | None = None
    """What was said last where the bundle does not run."""

    @property
    def passed(self) -> bool:
        """Whether the bundle may be shipped to such processors."""
        within = self.max_prob_diff <= self.tolerance and not self.wrong_decisions
        return self.crash is None and within


class Verified(Noun):
    """A bundle, and what each processor made of it."""

    bundle: str
    """Name and release."""
    precision: Precision
    target: str | None
    """What it was quantized for: a file of export/targets."""
    outcomes: tuple[Outcome, ...]


class Result(Noun):
    """Bundles under the same processors."""

    command: str
    bundles: tuple[Verified, ...]
    environment: dict[str, Any]


def header(result: Result) -> tuple[str, ...]:
    """Return the table's head: a column for each processor."""
    named = (one.processor for one in result.bundles[0].outcomes)
    return ("Bundle", "Precision", "--target", *named)


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return a line for each bundle."""
    return [
        (
            one.bundle,
            one.precision,
            "n/a" if one.precision == "fp32" or one.target is None else one.target,
            *(_cell(outcome) for outcome in one.outcomes),
        )
        for one in result.bundles
    ]


def table(result: Result) -> str:
    """Return every bundle under each processor."""
    return table_md(header(result), rows(result), left={0, 1, 2})


def _cell(outcome: Outcome) -> str:
    if outcome.crash is not None:
        return f"❌ does not run: {outcome.crash}"
    mark = "✅" if outcome.passed else "❌"
    return f"{mark} {outcome.max_prob_diff:.2g} (limit {outcome.tolerance:g})"
