"""Labels that are wrong on the same images."""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorPair, ErrorReport
from benchmarks.errors.sections._parts import table
from benchmarks.report.figure import missing

TITLE = "Errors made together"
ORDER = 40

MOST_ROWS = 15
_SIGNIFICANT = 0.05
_WORDS = {"miss": "missed", "false alarm": "falsely raised"}


def render(report: ErrorReport) -> str:
    """Return the pairs of errors that meet most surely more often than by chance."""
    if not report.pairs:
        return missing("No two labels are wrong on the same images more often than by chance.")
    caption = (
        "Images with both errors, of those where both could be made; p of so many or more by "
        "chance, after Holm's correction for all pairs. In bold where p ≤ 0.05."
    )
    if len(report.pairs) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(report.pairs)}; errors.json has more."
    head = ("Errors", "Images", "By chance", "p")
    rows = [_row(pair) for pair in report.pairs[:MOST_ROWS]]
    return table("Errors made together", caption, head, rows)


def _row(pair: ErrorPair) -> Markup:
    tag = "b" if pair.p_holm <= _SIGNIFICANT else "span"
    p = "< 0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
    return Markup(
        '<tr><th scope="row"><{0}>{1}</{0}> {2}, <{0}>{3}</{0}> {4}</th><td>{5}</td><td>{6:.1f}'
        "</td><td>{7}</td></tr>"
    ).format(
        Markup(tag),
        pair.first,
        _WORDS[pair.first_kind],
        pair.second,
        _WORDS[pair.second_kind],
        pair.together,
        pair.expected,
        p,
    )
