"""Multi-label metrics, each from scikit-learn where it has it.

One policy for what is undefined: a label's metric is `None` unless the images with a known target
hold both a positive and a negative, and a mean over labels leaves such labels out. A target of
NaN is unknown, and that image is left out of that label only.
"""

from benchmarks.metrics._targets import Array, mean_defined
from benchmarks.metrics.averages import (
    Averages,
    Prf,
    PrfWeights,
    averages,
    f1_weighted,
    prf_per_label,
)
from benchmarks.metrics.decisions import (
    accuracy,
    best_threshold,
    decide,
    f1_macro,
    f1_samples,
    hamming_loss,
    subset_accuracy,
)
from benchmarks.metrics.probabilities import (
    BINS,
    brier,
    calibration_error,
    expected_calibration_error,
)
from benchmarks.metrics.ranking import (
    CURVE_POINTS,
    average_precision,
    eleven_point_ap,
    label_ranking_ap,
    precision_recall_curve,
    roc_auc,
)
from benchmarks.metrics.summary import LabelMetrics, MultiLabelMetrics, summary

__all__ = [
    "BINS",
    "CURVE_POINTS",
    "Array",
    "Averages",
    "LabelMetrics",
    "MultiLabelMetrics",
    "Prf",
    "PrfWeights",
    "accuracy",
    "average_precision",
    "averages",
    "best_threshold",
    "brier",
    "calibration_error",
    "decide",
    "eleven_point_ap",
    "expected_calibration_error",
    "f1_macro",
    "f1_samples",
    "f1_weighted",
    "hamming_loss",
    "label_ranking_ap",
    "mean_defined",
    "precision_recall_curve",
    "prf_per_label",
    "roc_auc",
    "subset_accuracy",
    "summary",
]
