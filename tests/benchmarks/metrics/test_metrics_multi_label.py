"""The metrics of all labels together: by hand, against scikit-learn, and a property."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from sklearn import metrics as sk

from benchmarks import metrics
from benchmarks.metrics import PrfWeights, summary

PROBLEMS = 200
CLOSE = {"abs": 1e-9, "rel": 0}
WEIGHTS = PrfWeights(precision=1, recall=3, f1=2)

# Three images, three labels. At 0.5 image 0 has labels a and b, image 1 b and c, image 2 none.
TARGETS = [[1, 0, 0], [0, 1, 1], [0, 1, 0]]
PROBS = [[0.9, 0.6, 0.2], [0.1, 0.7, 0.8], [0.3, 0.4, 0.2]]
HALVES = [0.5, 0.5, 0.5]


def _problem(seed: int, unknown: float = 0.0) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Return targets and probabilities `[n, 1 to 3]` with ties, and thresholds."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 30)), int(rng.integers(1, 4)))
    targets = (rng.random(shape) < rng.uniform(0.1, 0.8)).astype(float)
    targets[rng.random(shape) < unknown] = np.nan
    return targets, rng.integers(0, 11, shape) / 10, (rng.integers(1, 10, shape[1]) / 10).tolist()


@pytest.mark.parametrize("package", ["metrics", "thresholds"])
def test_examples_in_the_docstrings(package: str) -> None:
    parent = importlib.import_module(f"benchmarks.{package}")
    tried = 0
    for module in pkgutil.iter_modules(parent.__path__, f"{parent.__name__}."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        tried += result.attempted
    assert tried > 10


def test_averages_by_hand() -> None:
    found = summary(TARGETS, PROBS, HALVES, k=1)
    # a: TP 1. b: TP 1, FP 1, FN 1. c: TP 1. In all TP 3, FP 1, FN 1.
    assert [label.f1 for label in found.labels] == [1.0, 0.5, 1.0]
    at_threshold = found.at_threshold
    assert at_threshold.class_precision == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert at_threshold.class_recall == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert at_threshold.class_f1 == pytest.approx(5 / 6)
    assert at_threshold.overall_precision == at_threshold.overall_recall == 3 / 4
    assert at_threshold.overall_f1 == found.f1_micro == 3 / 4
    assert found.f1_macro == pytest.approx(2.5 / 3)
    assert found.f1_weighted == pytest.approx((1 * 1 + 2 * 0.5 + 1 * 1) / 4)
    assert found.f1_samples == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.hamming_loss == pytest.approx(2 / 9)
    assert found.subset_accuracy == pytest.approx(1 / 3)


def test_top_k_by_hand() -> None:
    at_1 = summary(TARGETS, PROBS, HALVES, k=1).at_k
    # The highest: image 0 a (right), image 1 c (right), image 2 b, below its threshold.
    assert at_1.overall_precision == 1.0
    assert at_1.overall_recall == 2 / 4
    assert at_1.class_precision == pytest.approx((1 + 0 + 1) / 3)
    assert at_1.class_recall == pytest.approx((1 + 0 + 1) / 3)


def test_top_k_counts_ties_together_and_allows_no_k_below_one() -> None:
    decided = metrics.decide([[0.9, 0.7, 0.7, 0.6]], [0.5] * 4, k=2)
    assert decided.tolist() == [[True, True, True, False]]
    assert summary(TARGETS, PROBS, HALVES, k=3).at_k == summary(TARGETS, PROBS, HALVES).at_threshold
    with pytest.raises(ValueError, match="at least 1"):
        metrics.decide(PROBS, HALVES, k=0)
    with pytest.raises(ValueError, match="thresholds"):
        metrics.decide(PROBS, [0.5])


def test_class_f1_is_not_macro_f1() -> None:
    # Label a: P 1, R 1/2. Label b: P 1/2, R 1.
    found = summary([[1, 1], [1, 0], [0, 0]], [[0.9, 0.9], [0.1, 0.9], [0.1, 0.1]], [0.5, 0.5])
    assert found.at_threshold.class_f1 == pytest.approx(0.75)
    assert found.f1_macro == pytest.approx(2 / 3)


def test_eleven_point_ap_by_hand() -> None:
    # Precision 1 up to recall 1/2 (r = 0 to 0.5), then 2/3 up to recall 1 (r = 0.6 to 1).
    targets, scores = [1, 0, 1], [0.9, 0.8, 0.7]
    assert metrics.eleven_point_ap(targets, scores) == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)
    # The highest score is a negative: 1 at recall 0 is drawn by scikit-learn, not measured.
    assert metrics.eleven_point_ap([0, 1], [0.9, 0.8]) == pytest.approx(0.5)


@pytest.mark.parametrize("found", range(1, 11))
def test_eleven_point_ap_meets_its_recalls_exactly(found: int) -> None:
    # `found` of ten positives come first, then 90 negatives, then the other positives.
    targets = [1] * found + [0] * 90 + [1] * (10 - found)
    scores = np.linspace(1, 0, len(targets))
    last = sum(max(k / (90 + k) for k in range(r, 11) if k > found) for r in range(found + 1, 11))
    assert metrics.eleven_point_ap(targets, scores) == pytest.approx((found + 1 + last) / 11)


def test_ranking_by_hand() -> None:
    # Image 0: a is first of one. Image 1: c first, b second of two: both only below own labels.
    # Image 2: b is the highest. With a tie above, the label is second.
    assert metrics.label_ranking_ap(TARGETS, PROBS) == 1.0
    assert metrics.label_ranking_ap([[1, 0]], [[0.5, 0.5]]) == 0.5
    # A label that is unknown is not in the way, however high it scores.
    assert metrics.label_ranking_ap([[1, np.nan, 0]], [[0.5, 0.9, 0.1]]) == 1.0
    assert metrics.label_ranking_ap([[1, 1], [0, 0]], [[0.1, 0.2], [0.3, 0.4]]) is None
    assert metrics.roc_auc([1, 0, 0], [0.5, 0.5, 0.1]) == pytest.approx(1.5 / 2)


def test_probabilities_by_hand() -> None:
    found = summary([[1, 1], [0, 1]], [[0.8, 0.5], [0.3, 0.5]], [0.5, 0.5])
    assert found.labels[0].brier == pytest.approx((0.2**2 + 0.3**2) / 2)
    assert found.labels[0].ece == pytest.approx((0.2 + 0.3) / 2)
    assert found.labels[1].brier is found.labels[1].ece is None
    assert found.brier_macro == found.labels[0].brier
    with pytest.raises(ValueError, match="y_prob"):
        metrics.brier([1, 0], [1.5, 0.3])


def test_the_user_weighs_precision_recall_and_f1() -> None:
    found = summary(TARGETS, PROBS, HALVES, weights=PrfWeights(precision=0, recall=3, f1=1))
    assert found.labels[1].combined == pytest.approx((3 * 0.5 + 0.5) / 4)
    assert found.combined == pytest.approx((1 + 0.5 + 1) / 3)
    with pytest.raises(ValueError, match="above 0"):
        PrfWeights(precision=0, recall=0, f1=0)
    with pytest.raises(ValueError, match="greater than or equal"):
        PrfWeights(recall=-1)


def test_nothing_predicted_is_precision_0() -> None:
    found = summary([[1], [0]], [[0.1], [0.2]], [0.5])
    assert found.labels[0].precision == found.at_threshold.class_f1 == 0.0
    assert found.at_threshold.overall_precision == found.f1_samples == 0.0


def test_undefined_is_none() -> None:
    constant = summary([[0], [0]], [[0.1], [0.2]], [0.5])
    assert constant.map is constant.map_11 is constant.auc_macro is constant.f1_macro is None
    assert constant.f1_micro is constant.f1_weighted is constant.f1_samples is None
    assert constant.combined is constant.ece_macro is constant.label_ranking_ap is None
    assert (constant.hamming_loss, constant.subset_accuracy) == (0.0, 1.0)
    unknown = summary([[np.nan], [np.nan]], [[0.1], [0.9]], [0.5])
    fields = unknown.model_dump(exclude={"labels", "k", "at_threshold", "at_k"})
    assert set(fields.values()) == {None}
    assert set(unknown.at_threshold.model_dump().values()) == {None}
    assert (unknown.labels[0].images, unknown.labels[0].positives) == (0, 0)
    with pytest.raises(ValueError, match="must both be"):
        summary([[1, 0]], [[0.5]], [0.5])


def test_all_match_sklearn_on_many_problems() -> None:
    defined = 0
    for seed in range(PROBLEMS):
        targets, probs, thresholds = _problem(seed, unknown=0.15 * (seed % 2))
        found = summary(targets, probs, thresholds, weights=WEIGHTS)
        decided = probs >= thresholds
        defined += _assert_labels_match(found, targets, probs, decided)
        _assert_pooled_match(found, targets, decided)
        if seed % 2 == 0 and targets.shape[1] > 1:
            _assert_images_match(found, targets, probs, decided)
    assert defined > PROBLEMS


def _assert_labels_match(found, targets, probs, decided) -> int:
    """Return how many labels were compared."""
    rows = []
    for label, ours in enumerate(found.labels):
        known = ~np.isnan(targets[:, label])
        y, p, said = (part[known, label] for part in (targets, probs, decided))
        assert (ours.images, ours.positives) == (len(y), y.sum())
        if len(np.unique(y)) < 2:
            assert ours.ap is ours.auc is ours.precision is ours.brier is ours.combined is None
            continue
        prf = sk.precision_recall_fscore_support(y, said, average="binary", zero_division=0)[:3]
        rows.append((sk.average_precision_score(y, p), sk.roc_auc_score(y, p), *prf, y.sum()))
        assert (ours.ap, ours.auc, ours.precision, ours.recall, ours.f1) == pytest.approx(
            rows[-1][:5], **CLOSE
        )
        assert ours.brier == pytest.approx(sk.brier_score_loss(y, p), **CLOSE)
        assert ours.combined == pytest.approx(np.dot((1, 3, 2), prf) / 6, **CLOSE)
    if rows:
        means = np.mean(rows, axis=0)
        ours = (found.map, found.auc_macro, found.at_threshold.class_precision)
        ours += (found.at_threshold.class_recall, found.f1_macro)
        assert ours == pytest.approx(means[:5], **CLOSE)
        weighted = np.average([row[4] for row in rows], weights=[row[5] for row in rows])
        assert found.f1_weighted == pytest.approx(weighted, **CLOSE)
    return len(rows)


def _assert_pooled_match(found, targets, decided) -> None:
    known = ~np.isnan(targets)
    y, said = targets[known].astype(int), decided[known].astype(int)
    if not y.any():
        assert found.f1_micro is found.at_threshold.overall_recall is None
        return
    theirs = sk.precision_recall_fscore_support(y, said, average="binary", zero_division=0)[:3]
    ours = found.at_threshold
    assert (ours.overall_precision, ours.overall_recall, ours.overall_f1) == pytest.approx(
        theirs, **CLOSE
    )
    assert found.hamming_loss == pytest.approx(sk.hamming_loss(y, said), **CLOSE)


def _assert_images_match(found, targets, probs, decided) -> None:
    """What scikit-learn says of whole tables, with every target known."""
    y, said = targets.astype(int), decided.astype(int)
    assert found.subset_accuracy == pytest.approx(sk.accuracy_score(y, said), **CLOSE)
    assert found.hamming_loss == pytest.approx(sk.hamming_loss(y, said), **CLOSE)
    if found.f1_micro is not None:
        micro = sk.f1_score(y, said, average="micro", zero_division=0)
        assert found.f1_micro == pytest.approx(micro, **CLOSE)
    if found.label_ranking_ap is not None:
        ranking = sk.label_ranking_average_precision_score(y, probs)
        assert found.label_ranking_ap == pytest.approx(ranking, **CLOSE)
    samples = sk.f1_score(y, said, average="samples", zero_division=np.nan)
    assert (np.nan if found.f1_samples is None else found.f1_samples) == pytest.approx(
        samples, nan_ok=True, **CLOSE
    )
    if all(label.ap is not None for label in found.labels):
        for average, ours in (("macro", found.f1_macro), ("weighted", found.f1_weighted)):
            theirs = sk.f1_score(y, said, average=average, zero_division=0)
            assert ours == pytest.approx(theirs, **CLOSE)


@pytest.mark.parametrize("seed", range(25))
def test_order_of_images_and_labels_changes_nothing(seed: int) -> None:
    targets, probs, thresholds = _problem(seed, unknown=0.15)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(targets)), rng.permutation(len(thresholds))
    before = summary(targets, probs, thresholds, k=2)
    turned = targets[rows][:, columns], probs[rows][:, columns], np.array(thresholds)[columns]
    after = summary(*turned, k=2).model_dump()
    expected = before.model_dump()
    expected["labels"] = [expected["labels"][column] for column in columns]
    for ours, theirs in zip(after.pop("labels"), expected.pop("labels"), strict=True):
        assert ours == pytest.approx(theirs)
    for part in ("at_threshold", "at_k"):
        assert after.pop(part) == pytest.approx(expected.pop(part))
    assert after == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(25))
def test_an_image_of_which_nothing_is_known_changes_nothing(seed: int) -> None:
    targets, probs, thresholds = _problem(seed)
    with_unknown = (
        np.vstack([targets, np.full(len(thresholds), np.nan)]),
        np.vstack([probs, np.ones(len(thresholds))]),
    )
    assert summary(*with_unknown, thresholds) == summary(targets, probs, thresholds)


@pytest.mark.parametrize("seed", range(25))
def test_calibration_error_is_that_of_its_definition(seed: int) -> None:
    targets, probs, _ = _problem(seed)
    y, p = targets[:, 0], probs[:, 0]
    ours = metrics.calibration_error(y, p)
    if ours is None:
        assert len(np.unique(y)) == 1
        return
    edges = np.quantile(p, np.arange(1, 15) / 15)
    bins = [(edges <= value).sum() for value in p]
    error = 0.0
    for number in set(bins):
        inside = np.array(bins) == number
        error += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    assert ours == pytest.approx(error)
