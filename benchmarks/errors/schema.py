"""`errors.json`, schema 1: what one model gets wrong on one part of a data set."""

from typing import Any, Literal

from pydantic import Field

from benchmarks.report.schema import FlipEntry, Interval, LabelDrop, PrCurve
from edgepress.core.noun import Noun

Kind = Literal["miss", "false alarm"]
"""A label that the image has and the model does not see, or the other way round."""


class Estimate(Noun):
    """A figure and its 95% interval; `None` is undefined."""

    value: float | None
    ci95: Interval | None = None


class Counts(Noun):
    """Decisions at the stored threshold, of the images whose target is known."""

    tp: int
    fp: int
    fn: int
    tn: int


class RocCurve(Noun):
    """Points of a receiver operating characteristic, thinned for drawing, ascending."""

    fpr: tuple[float, ...]
    """False-alarm rate: `FP / (FP + TN)`."""
    tpr: tuple[float, ...]
    """Recall."""


class OperatingPoint(Noun):
    """Where the stored threshold lies on the curves."""

    fpr: float
    recall: float
    precision: float


class Curves(Noun):
    """Curves of one label on the first view."""

    roc: RocCurve
    pr: PrCurve
    at: OperatingPoint


class Confidence(Noun):
    """How sure the model is when it is right and when it is wrong."""

    edges: tuple[float, ...]
    """Ends of the bins of the probability, one more than there are bins."""
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    """Images in each bin whose decision is right and wrong."""
    ece: float | None
    brier: float | None


class ReliabilityBin(Noun):
    """Images to which the model gives about the same probability of a label."""

    n: int
    prob: float
    """Mean probability."""
    share: float
    """Share of them that has the label."""
    ci95: Interval
    """Wilson's interval of the share."""


class WorstImage(Noun):
    """One image on which the model decides a label wrongly."""

    image_id: str
    """First 16 hex digits of the sha256 of the image file."""
    file: str
    """Path below the folder that holds all images."""
    probs: dict[str, float]
    """Probability of every label."""
    truth: dict[str, bool | None]
    """What the image shows; `None` is unknown."""


class LabelErrors(Noun):
    """How one label fails; on the first view, but for AP, which is the mean over views."""

    name: str
    threshold: float
    known: int
    """Images with a known target."""
    counts: Counts
    undefined: str | None
    """Why there is no metric of the label, `None` where there is."""
    precision: Estimate
    recall: Estimate
    f1: Estimate
    ap: Estimate
    curves: Curves | None
    confidence: Confidence
    reliability: tuple[ReliabilityBin, ...] = ()
    """The bins of the calibration error, by probability; none where it is undefined."""
    near_misses: int
    """Misses with a probability of at most `near` below the threshold."""
    near_negatives: int
    """Images without the label there: the false alarms that a threshold lower by `near` adds."""
    sure_errors: int
    """Wrong decisions with a probability of at most 0.05 (misses) or at least 0.95."""
    false_alarms: tuple[WorstImage, ...]
    """The highest-scoring first."""
    misses: tuple[WorstImage, ...]
    """The lowest-scoring first."""


class ErrorPair(Noun):
    """Two labels that are wrong on the same images more often than chance has it."""

    first: str
    first_kind: Kind
    second: str
    second_kind: Kind
    together: int
    """Images on which both errors are made."""
    expected: float
    """Such images if the two had nothing to do with each other."""
    p_holm: float
    """One-sided p value of Fisher's exact test, adjusted for all pairs looked at (Holm)."""


class SliceRecall(Noun):
    """Recall of one label in a slice, and whether it differs from the rest's."""

    value: float | None
    """At the stored threshold; `None` without a positive."""
    positives: int
    rest: float | None
    """Recall in all other images."""
    p_holm: float | None
    """Two-sided p value of Fisher's exact test, adjusted for every label and slice (Holm)."""


class Slice(Noun):
    """Some of the images by what they have in common, held against all others; first view."""

    attribute: str
    """`brightness`, `blur`, `size` or the name of a column."""
    name: str
    """Which images, in words that follow "images of": e.g. `brightness below 0.31`."""
    n: int
    map: float | None
    """Mean over the labels that are defined in the slice."""
    recall: dict[str, SliceRecall]
    """By label."""
    difference: Estimate
    """mAP of the slice minus that of the rest, which is weighed to the slice's share of positives
    label by label; over the labels defined in both."""
    p_holm: float | None
    """Two-sided p value of "it does not differ", adjusted for all slices (Holm)."""


class LabelChange(Noun):
    """Decisions of one label that differ from another model's."""

    label: str
    now_right: int
    now_wrong: int
    unknown: int
    """Changed decisions of images whose target is unknown."""
    drop: LabelDrop | None
    """AP of the other model minus AP of this one; `None` where undefined."""
    flips: tuple[FlipEntry, ...]
    """Those with the largest change of probability."""


class Changes(Noun):
    """What is different from another model on the same images."""

    model: str
    """Name of the other model."""
    path: str
    share: float
    """Share of decisions, over images and labels, that are the same."""
    ci95: Interval
    map_drop: Estimate
    """mAP of the other model minus mAP of this one."""
    labels: tuple[LabelChange, ...]
    files: dict[str, str]
    """Of the images that changed, by image id."""


class Explanation(Noun):
    """Where the network looked in one image, for one label."""

    image_id: str
    file: str
    label: str
    kind: Kind
    prob: float
    strongest: float
    """Largest drop of the label's logit, above or below 0, where the image is covered."""
    pictures: dict[str, str]
    """Names of the pictures in the page: `image`, `occlusion`, `grad-cam`."""


class NextStep(Noun):
    """What to do, in words, and the rule that says so."""

    rule: str
    label: str | None
    text: str


class ErrorReport(Noun):
    """All that was found of one model on one part of a data set."""

    schema_version: int = 1
    title: str
    command: str
    """The command that makes this report again."""
    model: str
    path: str
    kind: str
    precision: str
    calibration: str | None = None
    """How probabilities were calibrated, `temperature` or `platt`; `None`: not at all."""
    data: dict[str, Any]
    environment: dict[str, Any]
    n: int
    """Images of the part."""
    n_wrong: int
    """Images of which at least one known label is decided wrongly."""
    map: Estimate
    f1_macro: float | None
    near: float
    """How close to a threshold is near, as a probability."""
    labels: tuple[LabelErrors, ...]
    pairs: tuple[ErrorPair, ...]
    """Those that are beyond chance first."""
    slices: tuple[Slice, ...]
    slice_notes: tuple[str, ...]
    """Why something could not be sliced."""
    changes: Changes | None = None
    explanations: tuple[Explanation, ...] = ()
    explain_notes: tuple[str, ...] = ()
    next_steps: tuple[NextStep, ...] = Field(default=())
