"""Decision thresholds and probabilities made better after training, on validation images only.

What is learnt here belongs to one model file: its int8 version has other scores, and learns its
own. A target of NaN is unknown, and that image is left out of that label only.
"""

from benchmarks.thresholds.demands import Demand, parse_demand, parse_demands, threshold_for
from benchmarks.thresholds.learning import (
    LabelThreshold,
    LearntThresholds,
    Method,
    ThresholdSettings,
    learn,
    scutfbr,
)
from benchmarks.thresholds.scaling import Scaling, platt_scaling, scaled, temperature_scaling

__all__ = [
    "Demand",
    "LabelThreshold",
    "LearntThresholds",
    "Method",
    "Scaling",
    "ThresholdSettings",
    "learn",
    "parse_demand",
    "parse_demands",
    "platt_scaling",
    "scaled",
    "scutfbr",
    "temperature_scaling",
    "threshold_for",
]
