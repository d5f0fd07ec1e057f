"""Decision thresholds and probabilities made better after training, on validation images only.

What is learnt here belongs to one model file: its int8 version has other scores, and learns its
own. A target of NaN is unknown, and that image is left out of that label only.
"""

from benchmarks.thresholds.calibrating import NOTE, calibration
from benchmarks.thresholds.demands import (
    Demand,
    Unreachable,
    parse_demand,
    parse_demands,
    threshold_for,
)
from benchmarks.thresholds.learning import LabelThreshold, LearntThresholds, learn
from benchmarks.thresholds.models import (
    Learning,
    learnt,
    learnt_labels,
    on_validation,
    relabelled,
    told,
    uncalibrated,
    unkept,
    with_labels,
)
from benchmarks.thresholds.options import ThresholdOptions, check, chosen
from benchmarks.thresholds.scaling import platt_scaling, scaled, temperature_scaling
from edgepress.core.labels import Method, ThresholdSettings
from edgepress.core.scaling import Scaling

__all__ = [
    "NOTE",
    "Demand",
    "LabelThreshold",
    "Learning",
    "LearntThresholds",
    "Method",
    "Scaling",
    "ThresholdOptions",
    "ThresholdSettings",
    "Unreachable",
    "calibration",
    "check",
    "chosen",
    "learn",
    "learnt",
    "learnt_labels",
    "on_validation",
    "parse_demand",
    "parse_demands",
    "platt_scaling",
    "relabelled",
    "scaled",
    "temperature_scaling",
    "threshold_for",
    "told",
    "uncalibrated",
    "unkept",
    "with_labels",
]
