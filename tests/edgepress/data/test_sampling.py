"""A sample has each label's share, however the table is sorted; so has its beginning."""

import numpy as np
import pytest

from edgepress.data.sampling import sample


@pytest.fixture(scope="module")
def sorted_targets() -> np.ndarray:
    """Labels of 1,000 images, sorted by all of them: one in half, one in a tenth, one unknown."""
    random = np.random.default_rng(0)
    targets = (random.random((1000, 3)) < (0.5, 0.1, 0.3)).astype(np.float32)
    targets[targets[:, 2] == 0, 2] = np.where(
        random.random((targets[:, 2] == 0).sum()) < 0.5, 0, np.nan
    )
    return targets[np.lexsort(targets.T)]


@pytest.mark.parametrize("n", [50, 100, 256, 900])
def test_each_label_has_its_share(sorted_targets: np.ndarray, n: int) -> None:
    for seed in range(20):
        rows = sample(sorted_targets, np.arange(1000), n, seed)
        assert len(set(rows.tolist())) == n
        known = np.nan_to_num(sorted_targets, nan=0.5)
        assert known[rows].mean(axis=0) == pytest.approx(known.mean(axis=0), abs=4 / n)


def test_the_first_of_a_sample_are_a_sample(sorted_targets: np.ndarray) -> None:
    rows = sample(sorted_targets, np.arange(1000), 256)
    assert rows[:50].tolist() == sample(sorted_targets, np.arange(1000), 50).tolist()


def test_every_image_is_as_likely_as_any_other() -> None:
    rows = np.array([10, 3, 7, 1, 4])
    targets = np.zeros((11, 1), np.float32)
    targets[10] = 1
    counts = np.zeros(11)
    for seed in range(1000):
        counts[sample(targets, rows, 2, seed)] += 1
    assert counts[rows] == pytest.approx(np.full(5, 400), abs=60)  # four standard deviations
    assert counts.sum() == 2000


def test_what_is_not_asked_for_stays_out() -> None:
    targets = np.zeros((5, 2), np.float32)
    assert sorted(sample(targets, np.array([4, 2]), 9)) == [2, 4]
    assert not len(sample(targets, np.empty(0, np.intp), 9))
