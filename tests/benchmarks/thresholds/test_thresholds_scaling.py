"""Temperature and Platt scaling: by hand, against a plain search, and properties."""

import numpy as np
import pytest
from scipy.special import expit, logit, xlog1py, xlogy

from benchmarks import metrics, thresholds
from benchmarks.thresholds import Scaling, platt_scaling, scaled, temperature_scaling

METHODS = pytest.mark.parametrize("method", [temperature_scaling, platt_scaling])


def _problem(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and probabilities `[n, 2]` that are too sure, with unknown targets."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 1.5, (n, 2))
    targets = (rng.random(logits.shape) < expit(logits)).astype(float)
    targets[rng.random(logits.shape) < 0.1] = np.nan
    return targets, expit(3 * logits + 1).clip(1e-6, 1 - 1e-6)


def _loss(y: np.ndarray, p: np.ndarray) -> float:
    return float(-(xlogy(y, p) + xlog1py(1 - y, -p)).mean())


def _known(targets: np.ndarray, probs: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(targets[:, label])
    return targets[known, label], probs[known, label]


def test_temperature_by_hand() -> None:
    # Three of four are positive and all are given 0.9: logit 0.9 = 2 logit 0.75.
    (found,) = temperature_scaling([[1], [1], [1], [0]], [[0.9]] * 4)
    assert found is not None
    assert found.temperature == pytest.approx(2, abs=1e-6)
    assert found.offset == 0


def test_platt_by_hand() -> None:
    # Two scores, eight images each, of which 2 and 6 are positive: Platt's targets make it
    # (2 * 9/10 + 6 * 1/10) / 8 = 0.3 and 0.7, and the line through two points is exact.
    targets = np.repeat([[1], [0], [1], [0]], [2, 6, 6, 2], axis=0)
    probs = np.repeat([[0.1], [0.9]], 8, axis=0)
    found = platt_scaling(targets, probs)
    assert scaled([[0.1], [0.9]], found).ravel() == pytest.approx([0.3, 0.7], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_temperature_is_best_of_a_search(seed: int) -> None:
    targets, probs = _problem(seed)
    for label, found in enumerate(temperature_scaling(targets, probs)):
        y, p = _known(targets, probs, label)
        losses = [_loss(y, expit(logit(p) / t)) for t in np.geomspace(0.05, 20, 400)]
        assert found is not None
        assert _loss(y, scaled(p[:, None], [found])[:, 0]) <= min(losses) + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_platt_is_where_the_likelihood_is_highest(seed: int) -> None:
    targets, probs = _problem(seed)
    for label, found in enumerate(platt_scaling(targets, probs)):
        y, p = _known(targets, probs, label)
        ones = y.sum()
        soft = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (len(y) - ones + 2))
        # The negative log likelihood is convex: its lowest point is where both slopes are 0.
        rest = scaled(p[:, None], [found])[:, 0] - soft
        assert rest.mean() == pytest.approx(0, abs=1e-6)
        assert (rest * logit(p)).mean() == pytest.approx(0, abs=1e-6)


@METHODS
def test_too_sure_probabilities_become_honest_and_keep_their_order(method) -> None:
    targets, probs = _problem(0, n=4000)
    found = method(targets, probs)
    new = scaled(probs, found)
    before = metrics.expected_calibration_error(targets, probs)
    assert metrics.expected_calibration_error(targets, new) < before / 2
    for label in range(2):
        old_ap = metrics.average_precision(targets[:, label], probs[:, label])
        assert metrics.average_precision(targets[:, label], new[:, label]) == old_ap


@METHODS
def test_order_of_images_changes_nothing(method) -> None:
    targets, probs = _problem(1)
    order = np.random.default_rng(1).permutation(len(targets))
    turned = method(targets[order], probs[order])
    for before, after in zip(method(targets, probs), turned, strict=True):
        assert (after.slope, after.offset) == pytest.approx((before.slope, before.offset), rel=1e-5)


@METHODS
@pytest.mark.parametrize("column", [[0, 0], [1, 1], [np.nan, 1]])
def test_constant_labels_stay_as_they_are(method, column: list[float]) -> None:
    probs = [[0.2], [0.7]]
    found = method(np.array(column)[:, None], probs)
    assert found == (None,)
    assert scaled(probs, found).tolist() == probs


@METHODS
def test_certain_and_parted_scores_stay_finite(method) -> None:
    (found,) = method([[1], [1], [0], [0]], [[1.0], [0.9], [0.1], [0.0]])
    assert found is not None
    new = scaled([[1.0], [0.0]], [found])
    assert np.isfinite(new).all()
    assert new[0] > 0.5 > new[1]


def test_an_order_that_is_wrong_is_not_turned_around() -> None:
    targets, probs = [[0], [0], [1], [1]], [[0.9], [0.8], [0.2], [0.1]]
    assert platt_scaling(targets, probs) == (None,)
    (found,) = temperature_scaling(targets, probs)
    assert found is not None
    assert found.temperature == pytest.approx(20, rel=1e-3)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="scalings"):
        scaled([[0.5, 0.5]], [None])
    with pytest.raises(ValueError, match="greater than 0"):
        Scaling(slope=-1.0)
    assert thresholds.Scaling(slope=0.5).temperature == 2
