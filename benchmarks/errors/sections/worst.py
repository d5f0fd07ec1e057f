"""The images on which each label is decided most wrongly."""

from benchmarks.errors.schema import ErrorReport, LabelErrors, WorstImage
from benchmarks.errors.sections._parts import wrong
from benchmarks.report.page import Values
from edgepress.core.wording import listed

TITLE = "Worst images"
ORDER = 20

MOST_OPEN = 4
"""With more labels than this only the worst is unfolded."""
MOST_NAMED = 3
"""Labels under an image."""

List = tuple[str, list[tuple[WorstImage, str]]]
"""What is in it, and each image with the other labels that it has."""


def values(report: ErrorReport) -> Values:
    """Return, for each label, the highest-scoring false alarms and the lowest-scoring misses."""
    labels = [label for label in report.labels if label.false_alarms or label.misses]
    if not labels:
        return "There is no wrong decision to show."
    worst = max(labels, key=wrong)
    return {
        "groups": [
            (label, _lists(label), len(labels) <= MOST_OPEN or label is worst) for label in labels
        ]
    }


def _lists(label: LabelErrors) -> list[List]:
    both = (
        ("False alarms", label.false_alarms, label.counts.fp),
        ("Misses", label.misses, label.counts.fn),
    )
    return [_list(label, *found) for found in both if found[1]]


def _list(label: LabelErrors, title: str, shown: tuple[WorstImage, ...], total: int) -> List:
    told = f"{title}: all {total}" if len(shown) == total else f"{title}: {len(shown)} of {total}"
    return told, [(image, _others(image, label.name)) for image in shown]


def _others(image: WorstImage, label: str) -> str:
    """Return the other labels that the image has, the first ones by name."""
    has = [name for name, truth in image.truth.items() if truth and name != label]
    return listed(has, MOST_NAMED) or "nothing else"
