"""Labels that are wrong on the same images."""

from benchmarks.errors.schema import ErrorPair, ErrorReport
from benchmarks.report.page import Values
from benchmarks.report.significance import SIGNIFICANT, p_value

TITLE = "Errors made together"
ORDER = 40

MOST_ROWS = 15
_WORDS = {"miss": "missed", "false alarm": "falsely raised"}


def values(report: ErrorReport) -> Values:
    """Return the pairs of errors that surely meet more often than by chance."""
    sure = [pair for pair in report.pairs if pair.p_holm <= SIGNIFICANT]
    if not sure:
        return "No two labels are surely wrong on the same images more often than chance."
    more = f" The first {MOST_ROWS} of {len(sure)}; errors.json has more."
    return {"pairs": [*map(_pair, sure[:MOST_ROWS])], "more": more if len(sure) > MOST_ROWS else ""}


def _pair(pair: ErrorPair) -> tuple[ErrorPair, str, str, str]:
    """Return a pair, what happened to its labels, and p."""
    return pair, _WORDS[pair.first_kind], _WORDS[pair.second_kind], p_value(pair.p_holm)
