"""The images on which each label is decided most wrongly."""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport, LabelErrors, WorstImage
from benchmarks.errors.sections._parts import others, picture, wrong
from benchmarks.report.figure import missing

TITLE = "Worst images"
ORDER = 20

MOST_OPEN = 4
"""With more labels than this only the worst is unfolded."""


def render(report: ErrorReport) -> str:
    """Return, for each label, the highest-scoring false alarms and the lowest-scoring misses."""
    labels = [label for label in report.labels if label.false_alarms or label.misses]
    if not labels:
        return missing("There is no wrong decision to show.")
    worst = max(labels, key=wrong)
    groups = (_group(label, len(labels) <= MOST_OPEN or label is worst) for label in labels)
    return Markup(
        '<p class="lead">A false alarm is a label that the model sees and the image has not; a '
        "miss is the other way round. The surest mistakes come first.</p>{}"
    ).format(Markup("").join(groups))


def _group(label: LabelErrors, is_open: bool) -> Markup:
    counts = label.counts
    return Markup(
        '<details class="card flips"{}><summary><span class="model">{}</span> '
        "<span>{} false alarms, {} misses, threshold {:.3f}</span></summary>{}{}</details>"
    ).format(
        Markup(" open") if is_open else "",
        label.name,
        counts.fp,
        counts.fn,
        label.threshold,
        _list(label, "False alarms", label.false_alarms, counts.fp),
        _list(label, "Misses", label.misses, counts.fn),
    )


def _list(label: LabelErrors, title: str, shown: tuple[WorstImage, ...], total: int) -> Markup:
    if not shown:
        return Markup("")
    told = f"{title}: all {total}" if len(shown) == total else f"{title}: {len(shown)} of {total}"
    items = Markup("").join(_item(image, label.name) for image in shown)
    return Markup("<h3>{}</h3><ul>{}</ul>").format(told, items)


def _item(image: WorstImage, label: str) -> Markup:
    return Markup(
        '<li>{}<b>{:.3f}</b><span class="file">{}</span><span class="word">has {}</span></li>'
    ).format(
        picture(image.image_id, f"Image {image.file}"),
        image.probs[label],
        image.file,
        others(image, label),
    )
