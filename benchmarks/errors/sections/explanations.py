"""Where the network looked in the worst images."""

from itertools import groupby

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, Explanation
from benchmarks.errors.sections._parts import picture
from benchmarks.report.figure import missing

TITLE = "Where the network looked"
ORDER = 30

SIDE_PX = 144


def shown(report: ErrorReport) -> bool:
    """Tell whether anything was explained."""
    return bool(report.explanations or report.explain_notes)


def render(report: ErrorReport) -> str:
    """Return the pictures of every label."""
    if not report.explanations:
        return missing("No image was explained.")
    groups = groupby(report.explanations, key=lambda one: one.label)
    notes = Markup("").join(
        Markup('<p class="note">{}</p>').format(note) for note in report.explain_notes
    )
    return Markup(
        '<p class="lead">Occlusion: a grey patch is slid over the image. <b class="for">Orange</b>:'
        ' covering it lowers the logit of the label, so it speaks for the label; <b class="against"'
        ">blue</b> speaks against it. Each picture has its own scale: a largest change of little "
        "more than 0 means that no single place matters. Grad-CAM, where there is one, shows only "
        "what speaks for the label.</p>{}{}"
    ).format(Markup("").join(_group(label, list(found)) for label, found in groups), notes)


def _group(label: str, found: list[Explanation]) -> Markup:
    items = Markup("").join(map(_item, found))
    return Markup('<div class="card looks"><h3>{}</h3><ul>{}</ul></div>').format(label, items)


def _item(one: Explanation) -> Markup:
    pictures = Markup("").join(
        Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(
            picture(name, f"{method} of {one.file}", SIDE_PX), method
        )
        for method, name in one.pictures.items()
    )
    return Markup(
        "<li><div>{}</div><p><b>{}</b>, probability {:.3f}; largest change {:+.2f}; <span "
        'class="file">{}</span></p></li>'
    ).format(pictures, one.kind, one.prob, one.strongest, one.file)
