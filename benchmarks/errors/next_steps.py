"""What to do next, in words, from the figures: each rule is a function of the report."""

from collections.abc import Callable, Iterator

from benchmarks.errors.changes import p_values
from benchmarks.errors.schema import ErrorPair, ErrorReport, LabelErrors, NextStep, Slice
from benchmarks.report import format as fmt
from edgepress.core.wording import listed

SIGNIFICANT = 0.05
FEW = 20
"""Fewer images with a label (or without it) are too few for figures."""
WIDE = 0.05
"""An interval of AP that is wider than this to either side."""
MANY_ERRORS = 5
"""Fewer may be chance."""
LOPSIDED = 4.0
"""So many times as many errors of one kind as of the other."""
ASKED = 0.9
"""Precision or recall of which is told what it would cost."""
NEAR_SHARE = 0.25
SURE_SHARE = 0.1
BADLY_CALIBRATED = 0.05
MOST_EACH = 2
"""Of one rule, the first ones."""
MOST_NAMED = 6

Step = tuple[str | None, str]
"""The label that it is about, if it is about one, and what to do."""
Rule = Callable[[ErrorReport], Iterator[Step]]


def next_steps(report: ErrorReport) -> tuple[NextStep, ...]:
    """Return what the rules say, at most two steps of each, and which other labels they hold of."""
    found = []
    for rule in RULES:
        said = list(rule(report))
        steps = said[:MOST_EACH]
        others = [label for label, _ in said[MOST_EACH:] if label]
        if others:
            named = listed(others, MOST_NAMED)
            steps.append((None, f"The same as of {steps[-1][0]} holds of: {named}."))
        found += [NextStep(rule=rule.__name__, label=label, text=text) for label, text in steps]
    return tuple(found)


def worse_than_other(report: ErrorReport) -> Iterator[Step]:
    """Labels of which more decisions turned wrong than right, beyond chance."""
    changes = report.changes
    if changes is None:
        return
    for label, p in zip(changes.labels, p_values(changes), strict=True):
        if label.now_wrong > label.now_right and p <= SIGNIFICANT:
            yield (
                label.label,
                f"{label.label}: {label.now_wrong} decisions turned wrong against "
                f"{changes.model} and {label.now_right} right, more than chance: look at the "
                "changed decisions before this model replaces the other.",
            )


def undefined_labels(report: ErrorReport) -> Iterator[Step]:
    """Labels of which nothing can be said here."""
    for label in report.labels:
        if label.undefined:
            yield (
                label.name,
                f"{label.name}: {label.undefined} in this part, so nothing can be said of "
                "it: add images, or measure on another part.",
            )


def few_images(report: ErrorReport) -> Iterator[Step]:
    """Labels whose AP is not known well enough to compare models by it."""
    for label in _worst_first(report, lambda label: _half_width(label) or 0.0):
        half = _half_width(label)
        rarer, what = _rarer_class(label)
        if half is not None and (half > WIDE or rarer < FEW):
            yield (
                label.name,
                f"{label.name}: only {rarer} images {what} it here, its AP is known to within "
                f"±{100 * half:.0f} points: collect more before two models are compared by it.",
            )


def lopsided(report: ErrorReport) -> Iterator[Step]:
    """Labels whose threshold makes far more errors of one kind than of the other."""
    for label in _worst_first(report, _imbalance):
        fp, fn = label.counts.fp, label.counts.fn
        if fp + fn < MANY_ERRORS or _imbalance(label) < LOPSIDED or label.curves is None:
            continue
        many, few, metric = (fn, fp, "recall") if fn > fp else (fp, fn, "precision")
        kinds = ("misses", "false alarms") if fn > fp else ("false alarms", "misses")
        yield (
            label.name,
            f"{label.name}: {many} {kinds[0]} and {few} {kinds[1]} at its threshold of "
            f"{label.threshold:.3f}: if {kinds[0]} cost more, ask for a {metric} when thresholds "
            f"are learnt (benchmarks.thresholds). {_trade(label, metric)}",
        )


def near_the_threshold(report: ErrorReport) -> Iterator[Step]:
    """Labels of which many misses lie just below the threshold."""
    for label in _worst_first(report, lambda label: label.near_misses):
        misses = label.counts.fn
        if label.near_misses >= max(MANY_ERRORS, NEAR_SHARE * misses):
            yield (
                label.name,
                f"{label.name}: {_share(label.near_misses, misses)} of its {misses} misses "
                f"lie within {report.near:g} below the threshold of {label.threshold:.3f}: learn "
                "the threshold again on validation images. One that much lower would here find "
                f"{label.near_misses} more, for {label.near_negatives} more false alarms.",
            )


def sure_and_wrong(report: ErrorReport) -> Iterator[Step]:
    """Labels that are often wrong where the model is sure, which wrong annotations look like."""
    for label in _worst_first(report, lambda label: label.sure_errors):
        wrong = label.counts.fp + label.counts.fn
        if label.sure_errors >= max(MANY_ERRORS, SURE_SHARE * wrong):
            yield (
                label.name,
                f"{label.name}: in {label.sure_errors} of its {wrong} wrong decisions the "
                f"model is sure (below {report.near:g} or above {1 - report.near:g}): check the "
                "annotation of these images first, they head the lists of worst images.",
            )


def errors_together(report: ErrorReport) -> Iterator[Step]:
    """Pairs of labels that are wrong together."""
    for pair in report.pairs:
        if pair.p_holm <= SIGNIFICANT and pair.together >= MANY_ERRORS:
            yield None, _together(pair)


def bad_slices(report: ErrorReport) -> Iterator[Step]:
    """Slices on which the model is worse than on the rest, beyond chance."""
    for found in sorted(report.slices, key=lambda one: one.difference.value or 0.0):
        lost, ci95 = found.difference.value, found.difference.ci95
        if lost is None or lost >= 0 or (found.p_holm or 1.0) > SIGNIFICANT:
            continue
        yield (
            None,
            f"Images of {found.name} lose {-100 * lost:.1f} points of mAP against the rest "
            f"(95% interval {fmt.interval(ci95, fmt.points)}; {found.n} images): {_remedy(found)}.",
        )


def low_recalls(report: ErrorReport) -> Iterator[Step]:
    """Labels that are missed more often in a slice than in the rest, the largest gap of each."""
    found = [
        (one.rest - one.value, label, one, place)
        for place in report.slices
        for label, one in place.recall.items()
        if one.value is not None
        and one.rest is not None
        and one.value < one.rest
        and one.p_holm is not None
        and one.p_holm <= SIGNIFICANT
    ]
    found.sort(key=lambda entry: -entry[0])
    seen = set()
    for _, label, one, place in found:
        if label in seen:
            continue
        seen.add(label)
        yield (
            label,
            f"{label} is found in {_percent(one.value)} of the {one.positives} images of "
            f"{place.name} that have it, and in {_percent(one.rest)} of the rest: "
            f"{_remedy(place)}.",
        )


def badly_calibrated(report: ErrorReport) -> Iterator[Step]:
    """Labels whose probabilities are not to be taken as such."""
    for label in _worst_first(report, lambda label: label.confidence.ece or 0.0):
        ece = label.confidence.ece
        if ece is not None and ece > BADLY_CALIBRATED:
            yield (
                label.name,
                f"{label.name}: its probabilities are {100 * ece:.0f} points off on average: "
                "scale them on validation images (benchmarks.thresholds) where they are shown or "
                "added up; the ranking is not touched by it.",
            )


RULES: tuple[Rule, ...] = (
    worse_than_other,
    undefined_labels,
    bad_slices,
    low_recalls,
    lopsided,
    near_the_threshold,
    sure_and_wrong,
    errors_together,
    few_images,
    badly_calibrated,
)
"""In the order of the page: what is broken first, what is not known well last."""

_VARIED = {
    "brightness": "vary the brightness in training",
    "sharpness": "blur and sharpen in training",
    "size": "take a larger input",
}
"""What helps where the property itself is the cause."""


def _remedy(found: Slice) -> str:
    varied = _VARIED.get(found.attribute)
    if varied is None:
        return "look at them first, and collect more such images"
    return f"look at them first; if {found.attribute} is the cause, {varied}, else collect more"


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
        f"{pair.first} and {pair.second} are {what} together {told}: what makes the one hard "
        "makes the other hard; look at the images that are in the lists of both."
    )


def _imbalance(label: LabelErrors) -> float:
    fewer, more = sorted((label.counts.fp, label.counts.fn))
    return more / max(fewer, 1)


def _trade(label: LabelErrors, metric: str) -> str:
    """Return what the other metric is on these images where one of the two is high."""
    assert label.curves is not None
    curve = label.curves.pr
    points = zip(curve.precision, curve.recall, strict=True)
    if metric == "recall":
        other, name = max((p for p, r in points if r >= ASKED), default=0.0), "precision"
    else:
        other, name = max((r for p, r in points if p >= ASKED), default=0.0), "recall"
    return f"On these images a {metric} of {ASKED:g} goes with a {name} of {other:.2f} at most."


def _half_width(label: LabelErrors) -> float | None:
    ends = label.ap.ci95
    return None if ends is None else (ends[1] - ends[0]) / 2


def _rarer_class(label: LabelErrors) -> tuple[int, str]:
    counts = label.counts
    positives, negatives = counts.tp + counts.fn, counts.fp + counts.tn
    return (positives, "have") if positives <= negatives else (negatives, "do not have")


def _worst_first(report: ErrorReport, figure: Callable[[LabelErrors], float]) -> list[LabelErrors]:
    return sorted(report.labels, key=figure, reverse=True)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"


def _percent(share: float | None) -> str:
    return fmt.UNDEFINED if share is None else f"{100 * share:.0f}%"
