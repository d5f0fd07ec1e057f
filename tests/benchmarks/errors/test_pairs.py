"""Errors made together: by hand, against Fisher's exact test, and never by the labels alone."""

import numpy as np
import pytest
from error_reports import UNKNOWN, judged, random_scores
from scipy.stats import fisher_exact

from benchmarks.errors.pairs import error_pairs


def both_missed(n_together: int, n_alone: int, n_neither: int) -> object:
    """Return images that have both labels, of which so many miss both, one of them, or none."""
    rows = [(0.1, 0.1)] * n_together + [(0.1, 0.9)] * n_alone + [(0.9, 0.1)] * n_alone
    probs = rows + [(0.9, 0.9)] * n_neither
    return judged(np.ones((len(probs), 2)), probs)


def test_a_pair_by_hand() -> None:
    (pair,) = error_pairs(both_missed(6, 2, 30))
    assert (pair.first, pair.first_kind, pair.second, pair.second_kind) == (
        "a",
        "miss",
        "b",
        "miss",
    )
    assert pair.together == 6
    assert pair.expected == pytest.approx(8 * 8 / 40)
    wanted = fisher_exact([[6, 2], [2, 30]], alternative="greater").pvalue
    assert pair.p_holm == pytest.approx(wanted), "the only pair needs no correction"


def test_fewer_than_by_chance_is_no_pair() -> None:
    assert error_pairs(both_missed(0, 8, 30)) == ()


def test_confusion_is_a_miss_where_the_other_is_raised() -> None:
    targets = [[1, 0]] * 20 + [[1, 0]] * 20
    probs = [[0.1, 0.9]] * 20 + [[0.9, 0.1]] * 20
    (pair,) = error_pairs(judged(targets, probs))
    assert (pair.first_kind, pair.second_kind, pair.together) == ("miss", "false alarm", 20)
    assert pair.p_holm < 1e-6


def test_labels_that_go_together_are_no_reason() -> None:
    draw = np.random.default_rng(0)
    has = draw.random((2000, 1)) < 0.3
    targets = np.repeat(has, 2, axis=1).astype(float)  # a and b always go together
    right = draw.random((2000, 2)) < 0.7  # their errors do not
    probs = np.where(right == (targets == 1), 0.9, 0.1)
    assert all(pair.p_holm > 0.05 for pair in error_pairs(judged(targets, probs)))


def test_images_whose_target_is_unknown_are_not_counted() -> None:
    known = both_missed(6, 2, 30)
    targets = np.vstack([known.targets, [[1, UNKNOWN]] * 9])
    probs = np.vstack([known.probs, [[0.1, 0.1]] * 9])
    assert error_pairs(judged(targets, probs)) == error_pairs(known)


def test_p_values_are_adjusted_for_every_pair_looked_at() -> None:
    targets, probs = random_scores(5, 300, 0.0)
    targets[:, 4], probs[:, 4] = targets[:, 3], probs[:, 3]
    found = error_pairs(judged(targets, probs))
    assert [found[0].first, found[0].second] == ["d", "e"]
    assert [pair.p_holm for pair in found] == sorted(pair.p_holm for pair in found)
    assert sum(pair.p_holm <= 0.05 for pair in found) == 2
