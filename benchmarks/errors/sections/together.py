"""Labels that are wrong on the same images."""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorPair, ErrorReport
from benchmarks.errors.sections._parts import table
from benchmarks.report.figure import missing

TITLE = "Errors made together"
ORDER = 40

MOST_ROWS = 15
SIGNIFICANT = 0.05
_WORDS = {"miss": "missed", "false alarm": "falsely raised"}


def render(report: ErrorReport) -> str:
    """Return the pairs of errors that surely meet more often than by chance."""
    sure = [pair for pair in report.pairs if pair.p_holm <= SIGNIFICANT]
    if not sure:
        return missing("No two labels are surely wrong on the same images more often than chance.")
    caption = (
        "Images with both errors, of those where both could be made; p of so many or more by "
        "chance, at most 0.05 after Holm's correction for all pairs."
    )
    if len(sure) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(sure)}; errors.json has more."
    head = ("Errors", "Images", "By chance", "p")
    return table("Errors made together", caption, head, [_row(pair) for pair in sure[:MOST_ROWS]])


def _row(pair: ErrorPair) -> Markup:
    p = "< 0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
    return Markup(
        '<tr><th scope="row"><b>{}</b> {}, <b>{}</b> {}</th><td>{}</td><td>{:.1f}</td><td>{}</td>'
        "</tr>"
    ).format(
        pair.first,
        _WORDS[pair.first_kind],
        pair.second,
        _WORDS[pair.second_kind],
        pair.together,
        pair.expected,
        p,
    )
