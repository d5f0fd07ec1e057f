"""Small pieces of HTML that the sections share."""

from collections.abc import Sequence

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, Estimate, LabelErrors, WorstImage
from benchmarks.report import format as fmt

MOST_PANELS = 12
"""More plots than this would make the page slow; the labels that fail most stay."""

MOST_NAMED = 3
"""Labels under an image."""


def wrong(label: LabelErrors) -> int:
    """Return how many decisions of a label are wrong."""
    return label.counts.fp + label.counts.fn


def panelled(report: ErrorReport) -> tuple[list[LabelErrors], str]:
    """Return the labels that get a plot of their own, and a remark where not all of them do."""
    defined = [label for label in report.labels if not label.undefined]
    if len(defined) <= MOST_PANELS:
        return defined, ""
    worst = sorted(defined, key=lambda label: label.ap.value or 0.0)[:MOST_PANELS]
    return worst, f" The {MOST_PANELS} of {len(defined)} labels with the lowest AP."


def estimate(found: Estimate) -> Markup:
    """Return a table cell with a figure and its interval in small print."""
    missing = Markup(' class="missing"') if found.value is None else ""
    return Markup("<td{}>{}<small>{}</small></td>").format(
        missing, fmt.score(found.value), fmt.interval(found.ci95)
    )


def table(
    name: str, caption: str, head: Sequence[str], rows: Sequence[Markup], kind: str = ""
) -> Markup:
    """Return a table that scrolls by itself where the screen is narrow; `kind` is its class."""
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(text) for text in head)
    return Markup(
        '<div class="scroll" role="region" aria-label="{}" tabindex="0">'
        '<table class="plain heat {}"><caption>{}</caption><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(name, kind, caption, heads, Markup("").join(rows))


def picture(name: str, says: str, side: int = 96) -> Markup:
    """Return a picture of the page by name, in a square of `side` pixels."""
    return Markup(
        '<span class="thumb" style="width:{2}px;height:{2}px"><span>{1}</span>'
        '<svg viewBox="0 0 96 96" style="width:{2}px;height:{2}px" role="img" aria-label="{1}">'
        '<use href="#image-{0}"/></svg></span>'
    ).format(name, says, side)


def others(image: WorstImage, label: str) -> str:
    """Return the other labels that the image has, the first ones by name."""
    has = [name for name, truth in image.truth.items() if truth and name != label]
    more = f" and {len(has) - MOST_NAMED} more" if len(has) > MOST_NAMED else ""
    return ", ".join(has[:MOST_NAMED]) + more or "nothing else"
