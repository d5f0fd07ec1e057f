"""Which images an epoch shows: the papers' formulas by hand, and what all ways promise."""

import numpy as np
import pytest
import torch

from compress.learning import sampling
from compress.learning.sampling import _measures, class_aware, ml_ros, ml_rus, repeat_factor
from edgepress.core import registry
from edgepress.core.errors import UserError

NAMES = registry.names("compress.learning.sampling")


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tail() -> np.ndarray:
    """40 images: 24 have the first label, 6 the second, 2 the third; the last 8 have none."""
    has = np.zeros((40, 3), bool)
    has[:24, 0] = has[24:30, 1] = has[30:32, 2] = True
    has[0, 1] = has[31, 0] = True
    has[0, 0] = False  # 24 again with image 31
    return has


def test_imbalance_by_hand():
    counts = tail().sum(0)
    assert counts.tolist() == [24, 7, 2]
    assert _measures.imbalance(counts) == pytest.approx([1, 24 / 7, 12])
    assert _measures.mean_imbalance(counts) == pytest.approx((1 + 24 / 7 + 12) / 3)
    assert _measures.present(np.array([[0.5, 0.49, np.nan]], np.float32)).tolist() == [
        [True, False, False]
    ]


def test_class_aware_shows_each_class_alike_often():
    """Three labels and none at all: ten each, of two images of the rarest five each."""
    rows = class_aware.rows(tail(), None, random())
    shown = np.bincount(rows, minlength=40)
    assert len(rows) == 40
    assert shown[[30, 31]].sum() >= 10
    assert shown[32:].sum() == 10
    assert shown[30] == 5
    assert {*shown[32:]} == {1, 2}


def test_repeat_factors_by_hand():
    """t = 0.4: shares 0.6, 0.175 and 0.05, factors 1, sqrt(0.4/0.175) and sqrt(8)."""
    found = repeat_factor.repeats(tail(), 0.4)
    second, third = (0.4 / 0.175) ** 0.5, 8**0.5
    assert found == pytest.approx([second, *[1] * 23, *[second] * 6, third, third, *[1] * 8])


def test_a_broken_repeat_factor_is_a_chance():
    has, total = tail(), np.zeros(40)
    factors = repeat_factor.repeats(has, 0.4)
    for seed in range(400):
        shown = np.bincount(repeat_factor.rows(has, 0.4, random(seed)), minlength=40)
        assert (np.floor(factors) <= shown).all()
        assert (shown <= np.ceil(factors)).all()
        total += shown
    assert total / 400 == pytest.approx(factors, abs=0.08)


def test_ml_ros_clones_until_a_label_is_rare_no_more():
    """MeanIR is 5.48: only the third label is above. 24 / 5.48 = 4.4 images lift it under it.

    Clones of image 31 are images of the first label too.
    """
    has = tail()
    rows = ml_ros.rows(has, 1.0, random())
    assert rows[:40].tolist() == list(range(40))
    clones = rows[40:]
    assert set(clones) <= {30, 31}
    limit = _measures.mean_imbalance(has.sum(0))
    ratios = [_measures.imbalance(has[rows[: 40 + n]].sum(0))[2] for n in range(len(clones) + 1)]
    assert ratios[-1] <= limit < min(ratios[:-1])


def test_ml_ros_clones_no_more_than_it_is_given():
    assert len(ml_ros.rows(tail(), 0.05, random())) == 42


def test_ml_rus_takes_from_images_without_a_rare_label():
    rows = ml_rus.rows(tail(), 0.5, random())
    assert len(rows) == len(set(rows.tolist())) == 20
    assert {30, 31} <= set(rows.tolist())
    assert len(ml_rus.rows(tail(), 0.9, random())) == 4
    everything = ml_rus.rows(np.ones((4, 2), bool), 0.5, random())
    assert len(everything) == 2


def drawn(text: str, epochs: int, seed: int = 3) -> list[list[int]]:
    """Return the rows of each epoch, as a training seeds them."""
    order = torch.Generator()
    targets = tail().astype(np.float32)
    targets[-1] = np.nan
    found = sampling.sampler(text, targets, seed, order)
    assert found is not None
    epochs_of_rows = []
    for epoch in range(epochs):
        order.manual_seed(seed + epoch)
        rows = list(found)
        assert len(rows) == len(found)
        epochs_of_rows.append(rows)
    return epochs_of_rows


@pytest.mark.parametrize("name", NAMES)
def test_every_way_is_decided_by_the_seed_and_has_epochs_of_one_length(name: str):
    first, second, third = drawn(name, 3)
    assert len(first) == len(second) == len(third)
    assert first != second
    assert drawn(name, 3) == [first, second, third]
    assert drawn(name, 1, seed=4)[0] != first
    rare = sum(row in (30, 31) for row in first) / len(first)
    assert rare > 2 / 40
    assert set(first) <= set(range(40))


@pytest.mark.parametrize("name", ["ml-ros", "ml-rus"])
def test_what_is_drawn_once_is_shuffled_in_each_epoch(name: str):
    first, second = drawn(name, 2)
    assert sorted(first) == sorted(second)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("repeat-factors", "Unknown sampling.*did you mean 'repeat-factor'"),
        ("ml-ros=0", "above 0, at most 1"),
        ("ml-rus=0.95", "at most 0.9"),
        ("repeat-factor=often", "NAME=VALUE"),
        ("repeat-factor=nan", "NAME=VALUE"),
        ("class-aware=2", "takes no number"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str):
    with pytest.raises(UserError, match=said):
        sampling.parse(text)


def test_a_number_of_the_way_is_part_of_what_it_is():
    assert sampling.identity(None) == {}
    found = [sampling.identity(text) for text in ("ml-ros", "ml-ros=0.25", "ml-ros=0.2")]
    assert found[0] == found[1] != found[2]


def test_without_any_label_there_is_nothing_to_draw_by():
    with pytest.raises(UserError, match="No training image has any label"):
        sampling.sampler("class-aware", np.zeros((4, 2), np.float32), 0, torch.Generator())
