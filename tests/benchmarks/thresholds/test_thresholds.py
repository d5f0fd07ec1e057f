"""Learning thresholds: by hand, against every possible cut, and a property."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import f1_score, precision_score, recall_score

from benchmarks import thresholds
from benchmarks.thresholds import Demand, ThresholdSettings, learn, parse_demand
from edgepress.core.errors import UserError
from edgepress.core.labels import LabelLearning

NAMES = ("crack", "spot")


def _problem(seed: int, unknown: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and probabilities `[n, 2]` with ties; the higher the likelier."""
    rng = np.random.default_rng(seed)
    probs = rng.integers(0, 21, (int(rng.integers(8, 60)), 2)) / 20
    targets = (rng.random(probs.shape) < probs).astype(float)
    targets[rng.random(probs.shape) < unknown] = np.nan
    return targets, probs


def _known(targets, probs, label: int = 0):
    known = ~np.isnan(targets[:, label])
    return targets[known, label], probs[known, label]


def test_one_for_all_by_hand() -> None:
    # Pooled: positives at 0.9, 0.6 and 0.5, negatives at 0.55, 0.2 and 0.1.
    targets, probs = [[1, 1], [1, 0], [0, 0]], [[0.9, 0.5], [0.6, 0.55], [0.2, 0.1]]
    found = learn(targets, probs, NAMES, ThresholdSettings(method="global"))
    assert found.thresholds == (0.35, 0.35)  # F1 6/7 there, 4/5 above 0.55
    assert all(label.learnt for label in found.learning.labels)


@pytest.mark.parametrize("method", ["global", "f1"])
def test_constant_labels_are_not_learnt(method: str) -> None:
    targets, probs = np.array([[0, np.nan], [0, np.nan]]), [[0.1, 0.2], [0.3, 0.4]]
    found = learn(targets, probs, NAMES, ThresholdSettings(method=method))
    assert found.thresholds == (0.5, 0.5)
    assert not any(label.learnt for label in found.learning.labels)


def test_scores_closer_than_six_digits_are_told_apart() -> None:
    targets, probs = [[1], [1], [0]], [[4e-8], [3e-8], [1e-8]]
    (threshold,) = learn(targets, probs, NAMES[:1]).thresholds
    assert 1e-8 < threshold <= 3e-8


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("method", ["global", "f1"])
def test_order_of_images_changes_nothing(seed: int, method: str) -> None:
    targets, probs = _problem(seed)
    order = np.random.default_rng(seed).permutation(len(targets))
    chosen = ThresholdSettings(method=method)
    before = learn(targets, probs, NAMES, chosen)
    assert learn(targets[order], probs[order], NAMES, chosen) == before


def test_what_was_learnt_by_scutfbr_is_still_read() -> None:
    stored = {"method": "scutfbr", "demands": [], "fbr": [0.1, 0.8]}
    assert ThresholdSettings.model_validate(stored) == ThresholdSettings()
    figures = {"images": 9, "positives": 2, "precision": None, "recall": None, "f1": None}
    label = LabelLearning.model_validate({**figures, "fbr": 0.4})
    assert label == LabelLearning(**figures)
    with pytest.raises(ValidationError, match="fbx"):
        LabelLearning.model_validate({**figures, "fbx": 0.4})


@pytest.mark.parametrize("seed", range(10))
def test_one_for_all_is_best_of_all_cuts(seed: int) -> None:
    targets, probs = _problem(seed)
    threshold = learn(targets, probs, NAMES, ThresholdSettings(method="global")).thresholds[0]
    known = ~np.isnan(targets)
    y, p = targets[known], probs[known]
    best = max(f1_score(y, p >= cut) for cut in np.unique(p))
    assert f1_score(y, p >= threshold) == pytest.approx(best)


def test_demands_are_read() -> None:
    assert parse_demand(" recall[defect_certain] >= 0.98 ") == Demand(
        metric="recall", label="defect_certain", at_least=0.98
    )
    assert parse_demand("precision[a b]>=90%").at_least == 0.9
    assert str(parse_demand("precision[a b]>=90%")) == "precision[a b] >= 0.9"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("recall >= 0.9", "cannot be read"),
        ("recall[crack] >= lots", "cannot be read"),
        ("recal[crack] >= 0.9", "did you mean 'recall'"),
        ("recall[crack] <= 0.9", "wrong way"),
        ("recall[crack] >= 98", "at most 1"),
        ("recall[crack] >= 0", "above 0"),
        ("recall[crak] >= 0.9", "did you mean 'crack'"),
    ],
)
def test_demands_that_make_no_sense_are_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        thresholds.parse_demands([text], NAMES)


def test_a_label_follows_one_demand() -> None:
    with pytest.raises(UserError, match="one demand only"):
        thresholds.parse_demands(["recall[crack] >= 0.9", "precision[crack] >= 0.9"], NAMES)


def test_demands_by_hand() -> None:
    targets, probs = [1, 0, 1, 0, 1], [0.9, 0.8, 0.7, 0.4, 0.2]
    recall = parse_demand("recall[crack] >= 60%")  # two of three
    assert thresholds.threshold_for(recall, targets, probs) == pytest.approx(0.55)
    precision = parse_demand("precision[crack] >= 60%")  # 3 of 5 at the lowest, 2 of 3 above
    assert thresholds.threshold_for(precision, targets, probs) == pytest.approx(0.1)


def test_a_demand_changes_its_label_only() -> None:
    targets, probs = _problem(3)
    asked = ThresholdSettings(demands=("recall[spot] >= 1",))
    plain, demanded = learn(targets, probs, NAMES), learn(targets, probs, NAMES, asked)
    assert demanded.thresholds[0] == plain.thresholds[0]
    y, p = _known(targets, probs, 1)
    assert (p[y == 1] >= demanded.thresholds[1]).all()


def test_a_demand_that_cannot_be_kept_leaves_the_threshold_without_it() -> None:
    targets, probs = [[0, 1], [1, 1]], [[0.9, 0.5], [0.2, 0.6]]
    asked = ThresholdSettings(demands=("precision[crack] >= 0.9",))
    found = learn(targets, probs, NAMES, asked)
    assert found.thresholds == learn(targets, probs, NAMES).thresholds
    crack, spot = found.learning.labels
    assert (crack.demand, crack.reachable) == ("precision[crack] >= 0.9", 0.5)
    assert (spot.demand, spot.reachable) == (None, None)


def test_demands_that_cannot_be_checked_are_refused() -> None:
    targets, probs = [[0, 1], [1, 1]], [[0.9, 0.5], [0.2, 0.6]]
    asked = ThresholdSettings(demands=("recall[spot] >= 0.9",))
    with pytest.raises(UserError, match="with and without"):
        learn(targets, probs, NAMES, asked)
    with pytest.raises(UserError, match="with and without"):
        thresholds.check(thresholds.Learning(asked, None), NAMES, targets)
    with pytest.raises(UserError, match="--val-share"):
        thresholds.check(thresholds.Learning(asked, None), NAMES, np.empty((0, 2)))
    with pytest.raises(ValueError, match="names"):
        learn(targets, probs, ("crack",))


def test_what_is_not_learnt_stays_as_it_was() -> None:
    targets, probs = [[0, 1], [1, 1]], [[0.4, 0.5], [0.8, 0.6]]
    found = learn(targets, probs, NAMES, ThresholdSettings(), before=(0.1, 0.7))
    assert found.thresholds == (pytest.approx(0.6), 0.7)
    fixed = ThresholdSettings(method="fixed", demands=("recall[crack] >= 1",))
    found = learn(targets, probs, NAMES, fixed, before=(0.1, 0.7))
    assert found.thresholds == (pytest.approx(0.6), 0.7)
    assert [label.learnt for label in found.learning.labels] == [True, False]


def test_what_the_thresholds_reach_is_kept_with_them() -> None:
    # crack: one positive found, one missed, one false alarm; one image is unknown.
    targets = [[1, 0], [1, 1], [0, 0], [np.nan, 0]]
    probs = [[0.9, 0.1], [0.3, 0.8], [0.7, 0.2], [0.9, 0.3]]
    fixed = ThresholdSettings(method="fixed")
    crack, spot = learn(targets, probs, NAMES, fixed).learning.labels
    assert (crack.images, crack.positives) == (3, 2)
    assert (crack.precision, crack.recall, crack.f1) == (0.5, 0.5, 0.5)
    assert (spot.precision, spot.recall, spot.f1) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("at_least", [0.5, 0.8, 0.98])
def test_recall_is_reached_by_the_highest_cut_that_can(seed: int, at_least: float) -> None:
    targets, probs = _problem(seed)
    y, p = _known(targets, probs)
    demand = Demand(metric="recall", label="crack", at_least=at_least)
    threshold = thresholds.threshold_for(demand, targets[:, 0], probs[:, 0])
    able = [cut for cut in np.unique(p) if recall_score(y, p >= cut) >= at_least]
    assert ((p >= threshold) == (p >= max(able))).all()


@pytest.mark.parametrize("seed", range(10))
def test_precision_is_reached_by_the_lowest_cut_that_can(seed: int) -> None:
    targets, probs = _problem(seed)
    y, p = _known(targets, probs)
    able = [cut for cut in np.unique(p) if precision_score(y, p >= cut) >= 0.8]
    demand = Demand(metric="precision", label="crack", at_least=0.8)
    if able:
        threshold = thresholds.threshold_for(demand, targets[:, 0], probs[:, 0])
        assert ((p >= threshold) == (p >= min(able))).all()
    else:
        with pytest.raises(UserError, match="No threshold"):
            thresholds.threshold_for(demand, targets[:, 0], probs[:, 0])
