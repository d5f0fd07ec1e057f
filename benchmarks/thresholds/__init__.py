"""Decision thresholds and probabilities made better after training, on validation images only.

What is learnt here belongs to one model file: its int8 version has other scores, and learns its
own. A target of NaN is unknown, and that image is left out of that label only.
"""

from benchmarks.thresholds.demands import (
    Demand,
    Unreachable,
    parse_demand,
    parse_demands,
    threshold_for,
)
from benchmarks.thresholds.learning import LabelThreshold, LearntThresholds, learn, scutfbr
from benchmarks.thresholds.models import learnt_labels, on_validation, reached, unkept
from benchmarks.thresholds.options import ThresholdOptions, check, chosen
from benchmarks.thresholds.scaling import Scaling, platt_scaling, scaled, temperature_scaling
from compress.core.labels import Method, ThresholdSettings

__all__ = [
    "Demand",
    "LabelThreshold",
    "LearntThresholds",
    "Method",
    "Scaling",
    "ThresholdOptions",
    "ThresholdSettings",
    "Unreachable",
    "check",
    "chosen",
    "learn",
    "learnt_labels",
    "on_validation",
    "parse_demand",
    "parse_demands",
    "platt_scaling",
    "reached",
    "scaled",
    "scutfbr",
    "temperature_scaling",
    "threshold_for",
    "unkept",
]
