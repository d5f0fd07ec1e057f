"""What to do next, in words, from the figures: each rule is a function of the report."""

from collections.abc import Callable, Iterator

from benchmarks.errors.changes import p_values
from benchmarks.errors.schema import ErrorPair, ErrorReport, LabelErrors, NextStep, Slice
from benchmarks.report import format as fmt

SIGNIFICANT = 0.05
FEW = 20
"""Fewer images with a label (or without it) are too few for figures."""
WIDE = 0.05
"""An interval of AP that is wider than this to either side."""
MANY_ERRORS = 5
"""With fewer errors of a kind a share of them means nothing."""
NEAR_SHARE = 0.25
SURE_SHARE = 0.1
BADLY_CALIBRATED = 0.05
MOST_EACH = 3
"""Of one rule, the first ones."""

Rule = Callable[[ErrorReport], Iterator[NextStep]]


def next_steps(report: ErrorReport) -> tuple[NextStep, ...]:
    """Return what the rules say, at most three steps of each."""
    found = []
    for rule in RULES:
        said = list(rule(report))
        found += said[:MOST_EACH]
        if len(said) > MOST_EACH:
            rest = ", ".join(dict.fromkeys(step.label for step in said[MOST_EACH:] if step.label))
            if rest:
                text = f"The same as of {said[MOST_EACH - 1].label} holds of: {rest}."
                found.append(NextStep(rule=said[0].rule, label=None, text=text))
    return tuple(found)


def worse_than_other(report: ErrorReport) -> Iterator[NextStep]:
    """Labels of which more decisions turned wrong than right, beyond chance."""
    changes = report.changes
    if changes is None:
        return
    for label, p in zip(changes.labels, p_values(changes), strict=True):
        if label.now_wrong > label.now_right and p <= SIGNIFICANT:
            yield NextStep(
                rule="worse_than_other",
                label=label.label,
                text=f"{label.label}: {label.now_wrong} decisions turned wrong against "
                f"{changes.model} and {label.now_right} right, more than chance: look at the "
                "changed decisions before this model replaces the other.",
            )


def undefined_labels(report: ErrorReport) -> Iterator[NextStep]:
    """Labels of which nothing can be said here."""
    for label in report.labels:
        if label.undefined:
            yield NextStep(
                rule="undefined_labels",
                label=label.name,
                text=f"{label.name}: {label.undefined} in this part, so nothing can be said of "
                "it: add images, or measure on another part.",
            )


def few_images(report: ErrorReport) -> Iterator[NextStep]:
    """Labels whose AP is not known well enough to compare models by it."""
    for label in report.labels:
        half = _half_width(label)
        rarer, what = _rarer_class(label)
        if half is not None and (half > WIDE or rarer < FEW):
            yield NextStep(
                rule="few_images",
                label=label.name,
                text=f"{label.name}: only {rarer} images {what} it here, its AP is known to within "
                f"±{100 * half:.0f} points: collect more before two models are compared by it.",
            )


def near_the_threshold(report: ErrorReport) -> Iterator[NextStep]:
    """Labels of which many misses lie just below the threshold."""
    for label in _worst_first(report, lambda label: label.near_misses):
        misses = label.counts.fn
        if misses >= MANY_ERRORS and label.near_misses >= NEAR_SHARE * misses:
            yield NextStep(
                rule="near_the_threshold",
                label=label.name,
                text=f"{label.name}: {_share(label.near_misses, misses)} of its {misses} misses "
                f"lie within {report.near:g} below the threshold of {label.threshold:.3f}: learn "
                "the threshold again on validation images. One that much lower would here find "
                f"{label.near_misses} more, for {label.near_negatives} more false alarms.",
            )


def sure_and_wrong(report: ErrorReport) -> Iterator[NextStep]:
    """Labels that are often wrong where the model is sure, which wrong annotations look like."""
    for label in _worst_first(report, lambda label: label.sure_errors):
        wrong = label.counts.fp + label.counts.fn
        if label.sure_errors >= MANY_ERRORS and label.sure_errors >= SURE_SHARE * wrong:
            yield NextStep(
                rule="sure_and_wrong",
                label=label.name,
                text=f"{label.name}: in {label.sure_errors} of its {wrong} wrong decisions the "
                f"model is sure (below {report.near:g} or above {1 - report.near:g}): check the "
                "annotation of these images first, they head the lists of worst images.",
            )


def errors_together(report: ErrorReport) -> Iterator[NextStep]:
    """Pairs of labels that are wrong together."""
    for pair in report.pairs:
        if pair.p_holm <= SIGNIFICANT and pair.together >= MANY_ERRORS:
            yield NextStep(rule="errors_together", label=None, text=_together(pair))


def bad_slices(report: ErrorReport) -> Iterator[NextStep]:
    """Slices on which the model is worse than on the rest, beyond chance."""
    for found in sorted(report.slices, key=lambda one: one.difference.value or 0.0):
        lost, ci95 = found.difference.value, found.difference.ci95
        if lost is None or lost >= 0 or (found.p_holm or 1.0) > SIGNIFICANT:
            continue
        yield NextStep(
            rule="bad_slices",
            label=None,
            text=f"Images of {found.name} lose {-100 * lost:.1f} points of mAP against the rest "
            f"(95% interval {fmt.interval(ci95, fmt.points)}; {found.n} images): {_remedy(found)}.",
        )


def badly_calibrated(report: ErrorReport) -> Iterator[NextStep]:
    """Labels whose probabilities are not to be taken as such."""
    for label in _worst_first(report, lambda label: label.confidence.ece or 0.0):
        ece = label.confidence.ece
        if ece is not None and ece > BADLY_CALIBRATED:
            yield NextStep(
                rule="badly_calibrated",
                label=label.name,
                text=f"{label.name}: its probabilities are {100 * ece:.0f} points off on average: "
                "scale them on validation images (benchmarks.thresholds) where they are shown or "
                "added up; the ranking is not touched by it.",
            )


RULES: tuple[Rule, ...] = (
    worse_than_other,
    undefined_labels,
    bad_slices,
    near_the_threshold,
    sure_and_wrong,
    errors_together,
    few_images,
    badly_calibrated,
)
"""In the order of the page: what is broken first, what is not known well last."""

_REMEDIES = {
    "brightness": "train with more such images, or vary the brightness in training",
    "sharpness": "train with more such images, or blur and sharpen in training",
    "size": "train with more such images, or a larger input",
}


def _remedy(found: Slice) -> str:
    return _REMEDIES.get(found.attribute, "train with more such images")


def _together(pair: ErrorPair) -> str:
    told = (
        f"in {pair.together} images ({pair.expected:.0f} expected by chance)"
        if pair.expected >= 1
        else f"in {pair.together} images (fewer than 1 expected by chance)"
    )
    if pair.first_kind != pair.second_kind:
        missed, raised = (
            (pair.first, pair.second) if pair.first_kind == "miss" else (pair.second, pair.first)
        )
        return (
            f"{missed} is missed where {raised} is falsely raised {told}: the two are taken for "
            "each other; check how both are defined and annotated."
        )
    what = "missed" if pair.first_kind == "miss" else "falsely raised"
    return (
        f"{pair.first} and {pair.second} are {what} together {told}: mend them as one, by the "
        "images that both have in their lists."
    )


def _half_width(label: LabelErrors) -> float | None:
    ends = label.ap.ci95
    return None if ends is None else (ends[1] - ends[0]) / 2


def _rarer_class(label: LabelErrors) -> tuple[int, str]:
    counts = label.counts
    positives, negatives = counts.tp + counts.fn, counts.fp + counts.tn
    return (positives, "have") if positives <= negatives else (negatives, "have not")


def _worst_first(report: ErrorReport, figure: Callable[[LabelErrors], float]) -> list[LabelErrors]:
    return sorted(report.labels, key=figure, reverse=True)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"
