"""`report.json`, schema 1: what a comparison found, in base units, ready to be rendered."""

from typing import Any, Literal

from pydantic import Field

from edgepress.core.distillation import Distillation
from edgepress.core.labels import LabelLearning, Method
from edgepress.core.manifest import SearchStep, TimeShares
from edgepress.core.noun import Noun
from edgepress.core.pruning import Pruning
from edgepress.core.search import SearchRecord

Interval = tuple[float, float]
Verdict = Literal["pass", "fail", "inconclusive"]


class LatencyEntry(Noun):
    """Steady-state latency of one model in one setting, seconds."""

    p50: float
    p90: float | None
    """`None` where the number of samples does not support it."""
    n: int
    """Timed runs behind the percentiles."""
    load: float | None = None
    first_inference: float | None = None


class SpeedupEntry(Noun):
    """Latency of the first model divided by this model's, as the median over process pairs."""

    ratio: float
    ci95: Interval


class ThroughputEntry(Noun):
    """Images per second of one model at one thread count and batch, in a pass of its own."""

    threads: int
    batch: int
    """Images in one run."""
    images_per_s: float | None
    """Median over processes; `None` where the model failed."""
    ci95: Interval | None
    n: int
    """Processes behind the median."""
    provider_opened: str | None = None
    against_first: SpeedupEntry | None = None
    """How many times the images of the first model; `None` for itself, and where one failed."""
    failure: str | None = None
    """Why there is no figure."""


class ConvsEntry(Noun):
    """Integer convolutions in the graph that the runtime executes, of all convolutions."""

    fused: int
    total: int
    kept_float: int | None = None
    """Convolutions that are float on purpose; the model's notes say why."""


class GateEntry(Noun):
    """A gate and what it found."""

    gate: str
    against: str | None
    measured: float | None
    ci95: Interval | None
    verdict: Verdict
    reason: str


class PrCurve(Noun):
    """Points of a precision-recall curve, thinned for drawing, recall ascending."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]


class LabelDrop(Noun):
    """AP of the first model minus AP of this one, on the same images."""

    drop: float
    """In 0..1; negative is a gain."""
    ci95: Interval
    p_holm: float
    """Two-sided p value of "nothing has changed", adjusted for all labels of the model (Holm)."""


class FlipEntry(Noun):
    """A decision that differs from the first model's, on the first view of an image."""

    image_id: str
    """First 16 hex digits of the sha256 of the image file."""
    label: str
    target: bool | None
    """What the image shows; `None` is unknown."""
    decided: bool
    """What this model says; the first model says the opposite."""
    before: float
    """Probability by the first model."""
    after: float


class AgreementEntry(Noun):
    """How often a model decides like the first one, and where it does not."""

    share: float
    """Share of decisions, over images and labels, that are the same."""
    ci95: Interval
    n_flips: int
    n_now_right: int
    n_now_wrong: int
    """Right and wrong ones do not add up to `n_flips` where the truth is unknown."""
    flips: tuple[FlipEntry, ...]
    """Those with the largest change of probability, the largest first."""


class ShareEntry(Noun):
    """So many of so many test images."""

    value: float
    ci95: Interval
    hits: int
    of: int


class DecisionEntry(Noun):
    """The threshold of one label, where it is from, and what it reaches on the first view."""

    threshold: float
    method: Method | None
    """How thresholds without a demand were learnt; `None` where the model does not tell."""
    learning: LabelLearning | None
    """The same of this label, with what it reached on validation images."""
    precision: ShareEntry | None
    """On test images; `None` where none is said to have the label."""
    recall: ShareEntry | None
    """On test images; `None` where none has the label."""
    f1: float | None


class MetricsEntry(Noun):
    """Metrics beside mAP, on the first view at the stored thresholds; `None` is undefined."""

    cp: float | None = None
    """Precision, mean over labels."""
    cr: float | None = None
    """Recall, mean over labels."""
    cf1: float | None = None
    """Harmonic mean of `cp` and `cr`."""
    op: float | None = None
    """Precision of all labels together."""
    overall_recall: float | None = None
    """Recall of all labels together: OR."""
    of1: float | None = None
    """Harmonic mean of the two, which is micro F1."""
    f1_samples: float | None = None
    """Mean over images of the F1 of the image's labels."""
    subset_accuracy: float | None = None
    """Share of images of which every known label is decided rightly."""
    hamming_loss: float | None = None
    """Share of wrong decisions."""
    label_ranking_ap: float | None = None
    """How high the labels of an image rank among all labels."""


class WidthEntry(Noun):
    """A layer that pruning has narrowed, and with it those that lose the same channels."""

    layer: str
    before: int
    """Channels in the network that was pruned first."""
    after: int


class ModelEntry(Noun):
    """One row of the comparison."""

    name: str
    stage: str
    parent: str | None
    """Name of the model it was made from, where that is part of the comparison."""
    path: str
    kind: Literal["torch", "onnx"]
    precision: Literal["fp32", "fp16", "int8", "int8_weights"]
    target: str | None
    params: int | None
    macs: int | None
    size_bytes: int
    map: float | None
    map_ci95: Interval | None
    ap: dict[str, float | None]
    ap_ci95: dict[str, Interval | None]
    f1_macro: float | None
    ece: float | None
    latency_s: dict[str, LatencyEntry]
    """By setting, `provider:threads`, e.g. `cpu:1`; empty where it was not measured."""
    latency_samples_s: dict[str, tuple[float, ...]]
    """One block median per process, by setting."""
    speedup: dict[str, SpeedupEntry]
    int8_convs: ConvsEntry | None
    peak_rss_bytes: int | None
    pr_curves: dict[str, PrCurve]
    gates: tuple[GateEntry, ...]
    notes: tuple[str, ...] = ()
    latency_failure: str | None = None
    """Why a model that should have been timed has no latency."""
    made_by: str | None = None
    """The command that makes this model again; `None` where it comes from elsewhere."""
    map_drop_ci95: Interval | None = None
    """Paired 95% interval of the first model's mAP minus this one's."""
    label_drops: dict[str, LabelDrop | None] = Field(default_factory=dict)
    """By label, `None` where undefined; empty for the first model, and where it was measured on
    other images or views than the first."""
    agreement: AgreementEntry | None = None
    """`None` under the same conditions."""
    throughput: tuple[ThroughputEntry, ...] = ()
    """By thread count, then by batch; empty where it was not measured."""
    qdq_nodes: int | None = None
    """QuantizeLinear and DequantizeLinear nodes that the runtime executes."""
    time_shares: TimeShares | None = None
    """Where an int8 file's time goes; `None` where it was not measured on its target."""
    search: tuple[SearchStep, ...] = ()
    """What was tried on the way to an int8 file, in order; empty where nothing was searched."""
    distillation: Distillation | None = None
    """Of a student: how it was taught."""
    widths: tuple[WidthEntry, ...] = ()
    """Of a PyTorch network that was pruned, or made from such a one."""
    pruning: Pruning | None = None
    """What pruning looked at before it began; `None` where nothing was pruned."""
    decisions: dict[str, DecisionEntry] = Field(default_factory=dict)
    """By label; empty where accuracy was not measured."""
    metrics: MetricsEntry | None = None
    """`None` where accuracy was not measured."""
    budget: tuple[GateEntry, ...] = ()
    """What the limits of the device found; empty where none were given."""


class DifferenceEntry(Noun):
    """Two models on the same images."""

    one: str
    other: str
    map_difference: float
    """mAP of `one` minus mAP of `other`."""
    ci95: Interval
    p_holm: float
    """Two-sided p value of "they are equal", adjusted for all pairs of the report (Holm)."""


class Recommendation(Noun):
    """Which of the models to take for a device with these limits."""

    budget: tuple[str, ...]
    """Gates that every model was held against; `budget` of its entry has what they found."""
    chosen: str | None
    """The most accurate model that surely keeps the budget and has failed no other gate."""
    cheaper: tuple[str, ...]
    """Other models that keep the budget, are faster (smaller, where one was not timed) and not
    surely less accurate, the fastest first."""
    verdict: Verdict
    """`fail` where no model keeps the budget, `inconclusive` where it cannot be told of one."""


class Report(Noun):
    """A whole comparison; the first model is the reference of every speed-up."""

    schema_version: int = 1
    title: str
    command: str
    """The command that makes this report again."""
    models: tuple[ModelEntry, ...]
    data: dict[str, Any]
    """source, fingerprint, n_images, n_test, label_names, prevalence, views, ..."""
    environment: dict[str, Any]
    aa: dict[str, SpeedupEntry]
    """The reference against itself, by setting: what this machine can resolve."""
    verdict: Verdict
    differences: tuple[DifferenceEntry, ...] = ()
    """Every two models that were measured on the same images."""
    recommendation: Recommendation | None = None
    """`None` where no budget was given."""
    searched: SearchRecord | None = None
    """Among what the models were chosen; `None` where nothing was searched."""
