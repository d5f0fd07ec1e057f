"""A part on which nothing could be measured is no answer where labels are rare."""

import numpy as np
import pytest

from edgepress.data import stratify
from edgepress.data.grouping import Groups


def rare(n: int, labels: int, seed: int) -> Groups:
    """Return images on which each label lies twice, so that many have none."""
    random = np.random.default_rng(seed)
    columns = np.zeros((n, labels), np.float32)
    for label in range(labels):
        columns[random.choice(n, 2, replace=False), label] = 1
    return Groups(np.arange(n), np.arange(n), columns, ())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("test", "val"), [(0.2, 0.2), (0.1, 0.1)])
def test_each_part_has_some_labels_and_its_size(test: float, val: float, seed: int):
    images = rare(240, 120, seed)
    rest, tested = stratify.halves(images, test, seed)
    train, validated = stratify.halves(rest, val / (1 - test), seed + 1)
    for part, share in ((tested, test), (validated, val), (train, 1 - test - val)):
        assert len(part.rows) == pytest.approx(240 * share, abs=2.4)
        assert images.columns[part.rows].any(axis=0).sum() >= 0.5 * share * 120


def test_labels_that_no_image_has_leave_the_split_alone():
    images = Groups(np.arange(60), np.arange(60), np.zeros((60, 3), np.float32), ())
    rest, tested = stratify.halves(images, 0.2, 0)
    assert (len(rest.rows), len(tested.rows)) == (48, 12)
