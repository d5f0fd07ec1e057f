"""All metrics of one model as tables of text, and as a file."""

from benchmarks.metrics import LabelMetrics, MultiLabelMetrics, PrfWeights
from benchmarks.statistics.paired import Interval
from edgepress.core.noun import Noun

UNDEFINED = "undefined"
LABEL_HEADER = (
    "label", "images", "positives", "AP", "AP, 11 points", "AUC", "precision", "recall", "F1",
    "combined", "ECE", "Brier",
)  # fmt: skip


class StoredMetrics(Noun):
    """What `benchmarks.accuracy --out` writes; shares, not per cent, and `null` is undefined."""

    schema_version: int = 1
    model: str
    id: str
    """Of the model's artifact."""
    data: str
    fingerprint: str
    part: str
    n_images: int
    views: tuple[str, ...]
    map: float | None
    """Averaged over the views; all else is of the first."""
    map_ci95: Interval | None
    label_names: tuple[str, ...]
    thresholds: tuple[float, ...]
    undefined: tuple[str, ...]
    """Labels whose known targets do not hold both classes; they are in no mean."""
    weights: PrfWeights
    metrics: MultiLabelMetrics
    """Its labels are in the order of `label_names`."""


def label_rows(stored: StoredMetrics) -> list[tuple[str, ...]]:
    """Return a row for each label, with a text for each title of `LABEL_HEADER`."""
    pairs = zip(stored.label_names, stored.metrics.labels, strict=True)
    return [(name, *_label_row(label)) for name, label in pairs]


def mean_rows(stored: StoredMetrics) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each metric over all labels."""
    found = stored.metrics
    at, top, weights = found.at_threshold, found.at_k, stored.weights
    of_k = f"the same among the {found.k} highest of an image"
    shares = f"P {weights.precision:g}, R {weights.recall:g}, F1 {weights.f1:g}"
    combined = f"mean of precision, recall and F1 weighted {shares}; mean of labels"
    rows: list[tuple[str, float | None, str]] = [
        ("mAP", found.map, "mean of the labels' AP, first view"),
        ("mAP, 11 points", found.map_11, "as in PASCAL VOC until 2009"),
        ("AUC", found.auc_macro, "mean of the labels' AUC"),
        ("CP", at.class_precision, "precision, mean of labels"),
        ("CR", at.class_recall, "recall, mean of labels"),
        ("CF1", at.class_f1, "harmonic mean of CP and CR"),
        ("OP", at.overall_precision, "precision of all labels together"),
        ("OR", at.overall_recall, "recall of all labels together"),
        ("OF1", at.overall_f1, "harmonic mean of OP and OR, which is micro F1"),
        (f"CF1, top {found.k}", top.class_f1, of_k),
        (f"OF1, top {found.k}", top.overall_f1, of_k),
        ("macro F1", found.f1_macro, "mean of the labels' F1"),
        ("weighted F1", found.f1_weighted, "the same, by positives"),
        ("samples F1", found.f1_samples, "mean of the images' F1"),
        ("combined", found.combined, combined),
        ("subset accuracy", found.subset_accuracy, "images with every label right"),
        ("Hamming loss", found.hamming_loss, "wrong decisions; less is better"),
        ("ranking AP", found.label_ranking_ap, "how high an image's labels rank"),
        ("ECE", found.ece_macro, "calibration error, mean of labels; less is better"),
        ("Brier", found.brier_macro, "squared error, mean of labels; less is better"),
    ]
    return [(name, _number(value), meaning) for name, value, meaning in rows]


def percent(share: float | None) -> str:
    """Return a share as a number of 100 with two decimals."""
    return UNDEFINED if share is None else f"{100 * share:.2f}"


def percent_range(interval: Interval | None) -> str:
    """Return an interval of a share as numbers of 100."""
    return UNDEFINED if interval is None else " to ".join(map(percent, interval))


def _label_row(label: LabelMetrics) -> tuple[str, ...]:
    figures = (
        label.ap, label.ap_11, label.auc, label.precision, label.recall, label.f1,
        label.combined, label.ece, label.brier,
    )  # fmt: skip
    return (str(label.images), str(label.positives), *map(_number, figures))


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"
