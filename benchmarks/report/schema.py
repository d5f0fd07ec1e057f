"""`report.json`, schema 1: what a comparison found, in base units, ready to be rendered."""

from typing import Any, Literal

from compress.core.noun import Noun

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


class ConvsEntry(Noun):
    """Integer convolutions in the graph that the runtime executes, of all convolutions."""

    fused: int
    total: int


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


class ModelEntry(Noun):
    """One row of the comparison."""

    name: str
    stage: str
    parent: str | None
    """Name of the model it was made from, where that is part of the comparison."""
    path: str
    kind: Literal["torch", "onnx"]
    precision: Literal["fp32", "fp16", "int8"]
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
