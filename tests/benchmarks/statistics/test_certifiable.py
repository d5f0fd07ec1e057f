"""What is said beforehand of the smallest drop that images can certify."""

import numpy as np
import pytest
from evaluated import result

from benchmarks.statistics import paired
from benchmarks.statistics.certifiable import certifiable_drop, foreseen_drop, sentence


def test_the_sentence_tells_points_and_images_or_that_there_is_one_view() -> None:
    targets = np.tile([[1, 0], [0, 1]], (20, 1))
    scores = targets + np.random.default_rng(0).normal(0, 0.5, (2, 40, 2))
    both, alone = result(scores, targets), result(scores[:1], targets)
    assert sentence(alone).endswith("can certify: unknown with a single view")
    drop = certifiable_drop(both)
    assert drop is not None
    assert f"these 40 images can certify: {100 * drop:.2f} points" in sentence(both)


def labels(n: int, columns: int = 4) -> np.ndarray:
    return (np.random.default_rng(1).random((n, columns)) < 0.4).astype(np.float32)


def test_more_images_are_foreseen_to_certify_less() -> None:
    few, some, many = (foreseen_drop(labels(n)) for n in (20, 200, 2000))
    assert few is not None
    assert some is not None
    assert many is not None
    assert few > 2 * some > 4 * many > 0
    assert many < 0.01


def test_images_of_a_group_are_foreseen_to_count_as_one() -> None:
    tenfold = np.repeat(labels(100), 10, axis=0)
    groups = tuple(np.repeat(np.arange(100), 10).tolist())
    alone, each = foreseen_drop(labels(100)), foreseen_drop(tenfold)
    assert alone is not None
    assert each is not None
    assert foreseen_drop(tenfold, groups) == pytest.approx(alone, rel=1e-9)
    assert alone > 3 * each


def test_unknown_targets_are_left_out_and_without_positives_nothing_is_foreseen() -> None:
    known = labels(200)
    partly = np.where(np.random.default_rng(2).random(known.shape) < 0.5, np.nan, known)
    less, more = foreseen_drop(partly.astype(np.float32)), foreseen_drop(known)
    assert less is not None
    assert more is not None
    assert less > more
    assert foreseen_drop(np.zeros((20, 2), np.float32)) is None


def test_a_foreseen_drop_is_the_measured_one_of_models_as_usual() -> None:
    """Two models made as the docstring says, by an own formula, certify about what is foreseen."""
    targets, rng = labels(400), np.random.default_rng(5)
    shared = 2 * targets + np.sqrt(0.9) * rng.standard_normal(targets.shape)
    first, second = (shared + np.sqrt(0.1) * rng.standard_normal(targets.shape) for _ in "ab")
    one, other = (result(1 / (1 + np.exp(-logits[None])), targets) for logits in (first, second))
    drop = paired.map_drop(other, one)
    assert drop is not None
    measured, foreseen = paired.smallest_certifiable_drop(drop), foreseen_drop(targets)
    assert foreseen is not None
    assert abs(measured - foreseen) < 0.25 * foreseen
