"""Decisions on each label: counts by hand, and intervals against what they promise."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom
from verdicts import LABELS, evaluation

from benchmarks.statistics.decisions import decisions, label_ece_draws
from benchmarks.statistics.label_decisions import Share, label_decisions
from benchmarks.statistics.paired import DRAWS
from edgepress.core.labels import Labels


def _decisions(targets, scores, thresholds=(0.5,), groups=()):
    labels = Labels(names=("crack",), thresholds=thresholds, prevalence=(0.5,))
    result = SimpleNamespace(
        targets=np.asarray(targets, np.float32)[:, None],
        groups=groups,
        scores=np.asarray(scores, np.float32)[None, :, None],
    )
    (found,) = label_decisions(result, labels)
    return found


def test_counts_by_hand():
    found = _decisions([1, 1, 0, 0, np.nan], [0.9, 0.2, 0.7, 0.1, 0.9])
    assert (found.images, found.positives) == (4, 2)
    assert (found.recall, found.precision) == (Share(1, 2), Share(1, 2))
    assert found.f1 == 0.5


def test_what_is_undefined():
    silent = _decisions([1, 0], [0.1, 0.2])
    assert silent.precision is None
    assert (silent.recall, silent.f1) == (Share(0, 1), 0)
    assert _decisions([0, 0], [0.9, 0.2]).recall is None
    assert _decisions([1, 1], [0.9, 0.2]).f1 is None


def test_f1_is_that_of_the_evaluation():
    result = evaluation(0.1)
    each = [found.f1 for found in label_decisions(result, LABELS)]
    assert np.mean(each) == pytest.approx(result.f1_macro)


@pytest.mark.parametrize("share", [0.8, 0.95, 0.99])
def test_the_interval_holds_the_truth_as_often_as_it_says(share: float):
    n = 200
    hits = np.arange(n + 1)
    held = [low <= share <= high for low, high in (Share(int(k), n).interval() for k in hits)]
    assert 0.95 < binom.pmf(hits, n, share)[held].sum() < 0.99


def test_all_of_a_few_is_not_certain():
    assert Share(10, 10).interval()[0] < 0.75
    assert str(Share(9, 10)) == "0.900 (9 of 10, 95% interval 0.555 to 0.997)"


def test_shares_in_groups_say_what_they_are_worth():
    found = _decisions(np.ones(40), np.ones(40), groups=tuple(np.repeat(range(10), 4)))
    assert found.recall == Share(40, 40, worth=10)
    assert str(found.recall) == (
        "1.000 (40 of 40 in groups worth 10.0 independent ones, 95% interval 0.692 to 1.000)"
    )
    alone = _decisions(np.ones(40), np.ones(40), groups=tuple(range(40)))
    assert alone.recall == Share(40, 40)


def test_decisions_are_those_on_the_first_view():
    result = evaluation(0)
    turned = result.model_copy(
        update={"scores": np.stack([result.scores[0], 1 - result.scores[0]])}
    )
    assert (decisions((turned, LABELS)).after == (result.scores[0] >= np.float32(0.5))).all()


def test_one_group_says_nothing_of_calibration():
    """The error may then be anything from 0 to 1; a blank is in no group."""
    targets, probs = np.array([1.0, 0.0, 1.0, np.nan]), np.array([0.9, 0.2, 0.6, 0.5])
    low, high = label_ece_draws(targets, probs, np.array([7, 7, 7, 8]))
    assert (low == np.zeros(DRAWS)).all()
    assert (high == np.ones(DRAWS)).all()
    low, high = label_ece_draws(targets, probs, np.array([7, 7, 8, 8]))
    assert len(set(low.tolist())) > 1
