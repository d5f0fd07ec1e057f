"""Parts of a split have the sizes asked for, whatever the labels; what is not spread is said."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from made_data import made

from edgepress.core import console
from edgepress.data import part_sizes, spread, stratify
from edgepress.data.grouping import Groups
from edgepress.data.random_split import Fold, default_split, fold_split
from edgepress.data.split import split_for
from edgepress.data.splitting import Splitting, split_by

PARTS = ("train", "val", "test")


def groups_of(columns: np.ndarray, sizes: np.ndarray | None = None) -> Groups:
    """Return groups of these sizes, all images of a group with its labels."""
    sizes = np.ones(len(columns), int) if sizes is None else sizes
    number = np.repeat(np.arange(len(sizes)), sizes)
    return Groups(np.arange(len(number)), number, columns[number].astype(np.float32), ())


def labels(kind: str, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    kinds = {
        "pairs": lambda: np.repeat(np.eye(120), 2, axis=0),
        "one each": lambda: np.eye(200),
        "three each": lambda: np.repeat(np.eye(100), 3, axis=0),
        "few images": lambda: random.random((50, 100)) < 0.05,
        "many labels": lambda: random.random((30, 200)) < 0.5,
        "nearly all": lambda: random.random((30, 10)) < 0.9,
        "rare and frequent": lambda: np.hstack(
            [np.repeat(np.eye(75), 2, axis=0), random.random((150, 3)) < 0.3]
        ),
        "long tail": lambda: np.eye(200)[np.minimum(random.zipf(1.3, 2000) - 1, 199)],
    }
    return kinds[kind]()


KINDS = ("pairs", "one each", "three each", "few images", "many labels", "nearly all",
         "rare and frequent", "long tail")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("test", "val"), [(0.4, 0.1), (0.2, 0.2), (0.1, 0.3)])
def test_sizes_are_within_a_point_whatever_the_labels(kind: str, test: float, val: float):
    columns = labels(kind)
    rest, tested = stratify.halves(groups_of(columns), test, 0)
    train, validated = stratify.halves(rest, val / (1 - test), 1)
    found = [len(part.rows) / len(columns) for part in (train, validated, tested)]
    assert found == pytest.approx([1 - test - val, val, test], abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [3, 7])
def test_folds_are_alike_in_size_whatever_the_labels(kind: str, number: int):
    columns = labels(kind)
    sizes = np.bincount(stratify.folds(groups_of(columns), number, 0), minlength=number)
    assert np.ptp(sizes) <= max(1, 0.01 * len(columns))


def test_what_frequent_labels_have_is_kept_where_sizes_are_mended():
    """Rare labels decide nothing that can be measured, frequent ones do."""
    columns = labels("rare and frequent")
    for seed in range(3):
        tested = stratify.halves(groups_of(columns), 0.2, seed)[1].columns
        assert len(tested) == 30
        shares = tested[:, -3:].sum(axis=0) / columns[:, -3:].sum(axis=0)
        np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_another_seed_mends_otherwise():
    first, second = (stratify.halves(groups_of(np.eye(50)), 0.2, seed)[1].rows for seed in (0, 1))
    assert len(first) == len(second) == 10
    assert set(first) != set(second)
    assert set(first) != set(range(10))


def nearest(sizes: np.ndarray, asked: float) -> float:
    """Return how near some of the sizes, neither none nor all, come to what is asked."""
    chosen = (some for n in range(1, len(sizes)) for some in combinations(sizes.tolist(), n))
    return min(abs(sum(some) - asked) for some in chosen)


@pytest.mark.parametrize("seed", range(12))
def test_large_groups_come_as_near_as_they_can(seed: int):
    random = np.random.default_rng(seed)
    sizes = random.geometric(0.08, 11)
    counts = (random.random((11, 5)) < 0.4) * sizes[:, None].astype(float)
    found = part_sizes.wanted(sizes, counts, np.array([0.75, 0.25]))
    part = part_sizes.best([random.integers(0, 2, 11) for _ in range(2)], found, seed)
    off = abs(sizes[part == 1].sum() - 0.25 * sizes.sum())
    assert off <= max(nearest(sizes, 0.25 * sizes.sum()), 0.005 * sizes.sum(), 0.5) + 1e-9


def want(sizes: list[int], shares: list[float], columns: list[list[float]] | None = None):
    counts = np.zeros((len(sizes), 1)) if columns is None else np.array(columns, float)
    return part_sizes.wanted(np.array(sizes), counts, np.array(shares))


def test_what_fits_is_left_as_it_is():
    start = np.array([0, 1, 0, 1])
    assert part_sizes.best([start], want([1] * 4, [0.5, 0.5]), 0) is start
    nearly = np.repeat([0, 1], [98, 102])  # a hundred are asked for; half a point is one image
    mended = part_sizes.best([nearly], want([1] * 200, [0.5, 0.5]), 0)
    assert np.bincount(mended).tolist() == [100, 100]
    nearly = np.repeat([0, 1], [99, 101])
    assert part_sizes.best([nearly], want([1] * 200, [0.5, 0.5]), 0) is nearly


def test_the_group_whose_labels_are_lacking_is_moved():
    columns = [[1, 0]] * 2 + [[0, 1]] * 2 + [[1, 0]] * 2 + [[0, 1]] * 2
    start = np.array([0, 0, 0, 0, 0, 0, 1, 1])  # the second part lacks the first label
    found = part_sizes.best([start], want([1] * 8, [0.5, 0.5], columns), 0)
    assert np.bincount(found).tolist() == [4, 4]
    assert [sum(found[row] for row in rows) for rows in ((0, 1, 4, 5), (2, 3, 6, 7))] == [2, 2]


def test_misfit_by_hand():
    some = want([1, 1, 1, 1], [0.5, 0.5], [[1], [1], [1], [1]])  # weights 1 / sqrt(4)
    assert some.misfit(np.array([0, 0, 1, 1])) == 0
    # 3 and 1 of 4, two expected: (3 - 2)^2 / 2 + (1 - 2)^2 / 2
    assert some.misfit(np.array([0, 0, 0, 1])) == pytest.approx(1.0)
    costs = part_sizes._costs(np.array([0, 0, 0, 1]), some, 0, 1)
    np.testing.assert_allclose(costs, -1.0)


def test_a_part_that_was_empty_gets_a_group():
    found = part_sizes.best([np.zeros(3, np.intp)], want([9, 9, 9], [0.9, 0.1]), 0)
    assert sorted(np.bincount(found).tolist()) == [1, 2]


# ---- what is said


def rare(n: int = 60) -> list[list[int]]:
    """Return a frequent label, one of two images, and one of a single image."""
    return [[row % 2, int(row in (3, 40)), int(row == 7)] for row in range(n)]


def test_labels_that_too_few_images_have_are_said_once(capfd):
    console.say_once.cache_clear()
    console.warn_once.cache_clear()
    data = made(rare())
    made_split = split_by(data, Splitting())
    said = capfd.readouterr().err
    assert said.startswith("warning: labels that could not be spread"), said
    assert said.count("\n") == 1
    assert "too few images or groups have them: 2 of 3 (" in said
    assert "): b, c" in said
    assert "in no validation image" in said
    assert split_for(data, ()) == made_split
    assert not capfd.readouterr().err


def test_labels_that_are_spread_are_not_spoken_of(capfd):
    console.say_once.cache_clear()
    console.warn_once.cache_clear()
    data = made([[row % 2, row // 2 % 2] for row in range(60)])
    split_by(data, Splitting())
    split_by(data, Splitting(fold="1/3"))
    split_by(data, Splitting(val_share=0))
    assert not capfd.readouterr().err


@pytest.mark.parametrize(
    ("held", "wrong"),
    [([12, 4, 4], False), ([17, 1, 2], True), ([16, 3, 1], True), ([9, 5, 6], False),
     ([16, 0, 4], True)],
)  # fmt: skip
def test_how_far_is_too_far(held: list[int], wrong: bool):
    """Of 20 images with the label 12, 4 and 4 are asked for; half of that may be amiss."""
    data = made([[float(row < 20)] for row in range(100)])
    parts = default_split(data, test_share=0.2, val_share=0.2)
    ends = np.cumsum([0, *held])
    with_label = [list(range(*pair)) for pair in pairwise(ends)]
    others = ([*range(20, 68)], [*range(68, 84)], [*range(84, 100)])
    ids = {
        part: tuple(data.image_ids[row] for row in (*some, *rest))
        for part, some, rest in zip(PARTS, with_label, others, strict=True)
    }
    sentence = spread.unevenly_spread(data, parts.model_copy(update=ids))
    assert (sentence is not None) == wrong
    if held[1] == 0:
        assert "1 of 1 (1 in no validation image): a" in sentence


def test_sizes_that_groups_decide_are_said_without_a_column_too(capfd):
    console.say_once.cache_clear()
    console.warn_once.cache_clear()
    data = made([[row % 2, row // 2 % 2] for row in range(40)], alike=[range(9), range(9, 19)])
    split_by(data, Splitting(test_share=0.3, val_share=0.2))
    sizes = default_split(data, test_share=0.3, val_share=0.2)
    off = abs(len(sizes.test) - 12) > 1 or abs(len(sizes.val) - 8) > 1
    assert ("images in each part" in capfd.readouterr().err) == off


def test_folds_are_spoken_of_by_their_share():
    data = made(rare())
    sentence = spread.unevenly_spread(data, fold_split(data, Fold(1, 3)))
    assert sentence is not None
    assert "2 of 3" in sentence
