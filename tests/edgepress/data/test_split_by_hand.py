"""Splits by hand: shares, strata, folds, seeds, leaks, and groups that do not fit."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_data import made, rows_of

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef, Split, SplitBy, SplitIdentity
from edgepress.data import grouping, random_split, split, splitting, stratify
from edgepress.data.grouping import Groups, groups_of
from edgepress.data.random_split import Fold, default_split, fold_split
from edgepress.data.ready_split import ready_split
from edgepress.data.splitting import Splitting, split_by

PARTS = ("train", "val", "test")
FOUR = [[0, 0], [0, 1], [1, 0], [1, 1]]
"""One image of each combination of two labels."""
TEST_0 = [0, 4, 6, 9, 11, 13, 14, 15]
VAL_0 = [16, 19]
TEST_1 = [0, 2, 5, 7, 8, 11, 13, 18]
FOLD_2 = [2, 11, 12, 17]
FOLD_2_VAL = [6, 9]


def one_each(sizes: list[int]) -> Groups:
    """Return groups of these sizes without labels to spread."""
    number = np.repeat(np.arange(len(sizes)), sizes)
    return Groups(np.arange(len(number)), number, np.zeros((len(number), 2), np.float32), ())


def test_the_shares_are_of_all_images_and_every_combination_has_them():
    data = made(FOUR * 40)
    found = default_split(data, test_share=0.3, val_share=0.2)
    assert [len(getattr(found, part)) for part in PARTS] == pytest.approx([80, 32, 48], abs=1)
    for part, each in zip(PARTS, (20, 8, 12), strict=True):
        combinations = [row % 4 for row in rows_of(getattr(found, part))]
        assert np.bincount(combinations) == pytest.approx(each, abs=1)


def test_the_parts_are_disjoint_complete_and_in_the_order_of_the_data():
    found = default_split(made(FOUR * 10))
    rows = [rows_of(getattr(found, part)) for part in PARTS]
    assert sorted(chain(*rows)) == list(range(40))
    assert rows == [sorted(part) for part in rows]
    assert [len(part) for part in rows] == [20, 4, 16]


def test_strata_are_spread_like_labels():
    kind = np.repeat([[1.0], [0.0]], [20, 60], axis=0).astype(np.float32)
    found = default_split(made(FOUR * 20, strata=kind), test_share=0.4, val_share=0)
    assert sum(row < 20 for row in rows_of(found.test)) == 8
    assert found.val == ()


def test_the_split_of_a_seed_stays_what_it_is():
    """Models name the images of their test part by it: another release splits alike."""
    data = made(FOUR * 5)
    assert rows_of(default_split(data).test) == TEST_0
    assert rows_of(default_split(data).val) == VAL_0
    assert rows_of(default_split(data, 1).test) == TEST_1
    assert rows_of(fold_split(data, Fold(2, 5), 0).test) == FOLD_2
    assert rows_of(fold_split(data, Fold(2, 5), 0).val) == FOLD_2_VAL


def test_folds_are_disjoint_complete_and_keep_what_is_alike_together():
    alike = [(0, 5), (7, 12, 33), (18, 19)]
    data = made(FOUR * 15, alike=alike)
    found = [fold_split(data, Fold(number, 4), 3, val_share=0.2) for number in (1, 2, 3, 4)]
    tested = [rows_of(one.test) for one in found]
    assert sorted(chain(*tested)) == list(range(60))
    for one in found:
        rows = [rows_of(getattr(one, part)) for part in PARTS]
        assert sorted(chain(*rows)) == list(range(60))
        for group in alike:
            assert sum(bool(set(group) & set(part)) for part in rows) == 1
        assert [len(part) for part in rows] == pytest.approx([33, 12, 15], abs=2)


def test_fold_k_is_the_kth():
    data = made(FOUR * 5)
    fold_of = stratify.folds(groups_of(data), 5, 7)
    for number in range(1, 6):
        found = fold_split(data, Fold(number, 5), 7)
        assert rows_of(found.test) == np.flatnonzero(fold_of == number - 1).tolist()


def test_a_fold_without_an_image_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(random_split, "folds", lambda *_: np.array([0, 0, 2, 2]))
    with pytest.raises(UserError, match=r"holds no image. Got: fold 2 of 3, 4 images"):
        fold_split(made(FOUR), Fold(2, 3))


@pytest.mark.parametrize(
    ("text", "fold"),
    [("1/2", (1, 2)), ("2/2", (2, 2)), (" 2/5 ", (2, 5)), ("5/5", (5, 5)), ("10/12", (10, 12))],
)
def test_folds_that_are(text: str, fold: tuple[int, int]):
    assert random_split.parse_fold(text) == Fold(*fold)


@pytest.mark.parametrize(
    "text", ["0/5", "6/5", "1/1", "1/0", "0/0", "2", "2/5x", "2.0/5", "-1/5", ""]
)
def test_folds_that_are_not(text: str):
    with pytest.raises(UserError, match="--fold is K/N"):
        random_split.parse_fold(text)


LABELS = SimpleNamespace(names=("a", "b"))


def parent(train: list[int], test: list[int], fingerprint: str = "made") -> SimpleNamespace:
    """Return what the split asks of an artifact; of 20 images the others were validated on."""
    val = sorted(set(range(20)) - {*train, *test})
    ids = [tuple(f"{row:016x}" for row in rows) for rows in (train, val, test)]
    split_of = Split(train=ids[0], val=ids[1], test=ids[2])
    data = DataRef(source="made", fingerprint=fingerprint, split=split_of)
    manifest = SimpleNamespace(data=data, told_split=None, labels=LABELS)
    return SimpleNamespace(path=Path("somewhere"), name="somewhere", manifest=manifest)


NEVER_TRAINED = SimpleNamespace(
    path=Path("elsewhere"),
    name="elsewhere",
    manifest=SimpleNamespace(data=None, told_split=None, labels=LABELS),
)


def test_the_split_of_the_first_parent_is_taken():
    data = made(FOUR * 5)
    first, second = parent([0, 1, 2], [10, 11]), parent([0, 1, 3], [10, 12])
    assert split.split_for(data, (NEVER_TRAINED, first, second)) == first.manifest.data.split
    assert split.split_for(data, (NEVER_TRAINED,)) == default_split(data)


def test_a_parent_of_other_data_gives_no_split_but_may_leak():
    data = made(FOUR * 5)
    more = made(FOUR * 6)  # 24 images, of which the parent's split has 20
    outside = next(row for row in range(20) if row not in rows_of(default_split(more).test))
    assert split.split_for(more, (parent([outside], [1], "other"),)) == default_split(more)
    leaky = parent([100, *TEST_0[:2]], [102], "other")
    with pytest.raises(UserError, match="trained on 2 images of the test part"):
        split.split_for(data, (leaky,))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_parent_is_looked_at_for_leaks(place: int):
    data = made(FOUR * 5)
    parents = [parent([0, 1, 2], [10, 11]) for _ in range(3)]
    parents[place] = parent([0, 1, 11], [10, 11] if place == 0 else [2])
    parents[place].path = Path("the leaking one")
    with pytest.raises(UserError, match=r"trained on 1 images.*the leaking one"):
        split.split_for(data, tuple(parents))


def test_images_that_a_parent_only_validated_or_tested_on_are_no_leak():
    made_by = parent([0], [10])
    tested = Split(train=("x",), val=("y",), test=(f"{10:016x}", f"{3:016x}"))
    assert split.refuse_leak(made_by, tested) is None


def test_a_split_is_named_by_each_of_its_parts():
    parts = {"train": ("a",), "val": ("b",), "test": ("c",)}
    splits = [Split(**parts | change) for change in ({}, *({part: ("d",)} for part in parts))]
    assert len({split.identity(made(FOUR), one) for one in splits}) == 4


def test_a_split_by_a_column_that_is_gone_cannot_be_made_again():
    by = SplitBy(seed=0, split_column="gone", val_share=0.1)
    told = SplitIdentity(fingerprint="made", digest="x", images=(2, 1, 1), by=by)
    assert split._remade(told, made(FOUR)) is None


def test_images_of_one_value_of_a_column_are_together():
    data = made(FOUR, {"patient": ("a", "b", "a", "b")})
    assert grouping.grouped(data, np.arange(4), "patient").groups == (0, 1, 0, 1)
    assert grouping.grouped(data, np.arange(4), None).groups == ()


def test_rows_of_a_part_are_in_the_order_of_the_data():
    data = made(FOUR)
    ids = data.image_ids
    parts = Split(train=(ids[3], ids[0]), val=(ids[1],), test=(ids[2], "gone"))
    found = [split.indices(data, parts, part).tolist() for part in PARTS]
    assert found == [[0, 3], [1], [2]]


def test_calibration_takes_training_images_only_by_the_seed():
    data = made(FOUR * 5)
    parts = default_split(data)
    rows = [split.training_rows(data, parts, 5, seed).tolist() for seed in (0, 0, 1, 2)]
    train = rows_of(parts.train)
    assert all(len(set(some)) == 5 and set(some) <= set(train) for some in rows)
    assert rows[0] == rows[1]
    assert len({tuple(some) for some in rows}) == 3
    assert sorted(split.training_rows(data, parts, 99, 0).tolist()) == train
    with pytest.raises(UserError, match="no training image to calibrate on"):
        split.training_rows(data, Split(train=("gone",), val=(), test=data.image_ids), 5, 0)


# ---- stratification


def test_what_parts_lack_and_how_they_misfit_by_hand():
    weights = np.array([[1.0, 0.5], [3.0, 0.5]])
    part, shares = np.array([0, 1]), np.array([0.5, 0.5])
    np.testing.assert_allclose(stratify._lacking(part, weights, shares), [[1.0, 0.0], [-1.0, 0.0]])
    assert stratify._misfit(part, weights, shares) == pytest.approx(1 / 0.5 + 1 / 0.5)
    uneven = np.array([0.25, 0.75])  # lacks: [1 - 1, .25 - .5], [3 - 3, .75 - .5]
    assert stratify._misfit(part, weights, uneven) == pytest.approx(0.0625 / 0.25 + 0.0625 / 0.75)


def test_weights_by_hand():
    columns = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32)
    groups = Groups(np.arange(4), np.array([0, 0, 0, 1]), columns, ())
    found = stratify._weights(groups)
    root = np.sqrt(2)
    np.testing.assert_allclose(found, [[2 / 3, 1, root * 3 / 4], [1 / 3, 0, root / 4]])
    empty = stratify._weights(one_each([1, 1]))
    np.testing.assert_allclose(empty, [[0, 0, root / 2], [0, 0, root / 2]])


def test_groups_are_moved_to_where_they_fit():
    weights = np.array([[4.0], [3.0], [1.0], [2.0]])
    order = np.arange(4)
    shares = np.array([0.5, 0.5])
    start = np.zeros(4, np.intp)
    found = stratify._moved(start, weights, shares, order)
    assert start.tolist() == [0] * 4
    assert sorted(weights[found == part].sum() for part in (0, 1)) == [5, 5]
    assert stratify._moved(found, weights, shares, order).tolist() == found.tolist()


def test_a_part_is_never_emptied():
    weights = np.array([[10.0], [1.0]])
    found = stratify._moved(np.array([1, 0]), weights, np.array([0.95, 0.05]), np.arange(2))
    assert sorted(found.tolist()) == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_fit_exactly_are_split_exactly(seed: int):
    groups = one_each([8, 4, 2, 1, 1])
    large, small = stratify.halves(groups, 0.5, seed)
    assert len(large.rows) == len(small.rows) == 8
    parts = stratify.folds(one_each([6, 4, 2, 3, 3]), 3, seed)
    assert np.bincount(parts).tolist() == [6, 6, 6]


def test_the_second_half_has_the_share():
    large, small = stratify.halves(one_each([1] * 20), 0.2, 0)
    assert (len(large.rows), len(small.rows)) == (16, 4)
    large, small = stratify.halves(one_each([2] * 10), 0.2, 0)
    assert (len(large.rows), len(small.rows)) == (16, 4)


def sizes_checked(sizes: list[int], part: list[int], shares: list[float]) -> None:
    stratify._check_sizes(one_each(sizes), np.array(part), np.array(shares))


def test_a_group_may_be_half_as_large_again_as_its_part():
    assert sizes_checked([6, 1, 1, 32], [0, 0, 0, 1], [0.1, 0.9]) is None  # asked for 4: up to 6
    with pytest.raises(UserError, match=r"has 7 of 40 images; the part was to have 4\b"):
        sizes_checked([1, 7, 32], [0, 0, 1], [0.1, 0.9])


def test_a_group_may_be_one_image_larger_than_a_small_part():
    assert sizes_checked([2, 18], [1, 0], [0.95, 0.05]) is None  # asked for 1: up to 2
    with pytest.raises(UserError, match=r"near-duplicates has 3 of 20 .* part was to have 1\b"):
        sizes_checked([3, 17], [1, 0], [0.95, 0.05])


def test_more_than_a_thousand_groups_have_one_start():
    large, small = stratify.halves(one_each([2, *[1] * 1000]), 0.5, 0)
    assert (len(large.rows), len(small.rows)) == (501, 501)


def test_what_cannot_be_split_is_counted_in_images_or_groups():
    three = one_each([1, 1, 1])
    with pytest.raises(UserError, match=r"cannot be split.*Got: 3 images"):
        stratify.folds(three, 4, 0)
    named = Groups(three.rows, three.number, three.columns, ("a", "b", "c"))
    with pytest.raises(UserError, match=r"cannot be split.*Got: 3 groups of images"):
        stratify.folds(named, 4, 0)


def test_a_part_without_a_group_is_refused():
    with pytest.raises(UserError, match=r"too few groups of images.*Got: 2 groups"):
        sizes_checked([2, 2], [0, 0], [0.5, 0.5])


def test_the_largest_group_of_the_part_is_named_with_its_column():
    number = np.repeat(np.arange(3), [3, 9, 28])
    texts = tuple(["small"] * 3 + ["large"] * 9 + ["rest"] * 28)
    groups = Groups(np.arange(40), number, np.zeros((40, 2), np.float32), texts)
    with pytest.raises(UserError, match=r"'large' has 9 .* or name a column of smaller groups"):
        stratify._check_sizes(groups, np.array([0, 0, 1]), np.array([0.1, 0.9]))


# ---- groups


def test_groups_join_over_columns_and_pictures():
    patients = ["p", "q", "q", "r", "s", "t", "t", "u"]
    data = made(FOUR * 2, {"patient": patients}, alike=[(0, 2), (5, 7)])
    groups = groups_of(data, "patient")
    members = [np.flatnonzero(groups.number == one).tolist() for one in range(4)]
    assert sorted(members) == [[0, 1, 2], [3], [4], [5, 6, 7]]
    assert sorted(groups.sizes) == [1, 1, 3, 3]
    assert groups.texts == tuple(patients)
    assert [groups.number[row] == groups.number[0] for row in (1, 2, 3)] == [True, True, False]
    alone = groups_of(data)
    assert sorted(alone.sizes) == [1, 1, 1, 1, 2, 2]
    assert alone.texts == ()


def test_counts_and_parts_of_groups_by_hand():
    columns = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], np.float32)
    groups = Groups(np.array([10, 11, 12, 13]), np.array([2, 0, 2, 1]), columns, tuple("wxyz"))
    np.testing.assert_array_equal(groups.counts, [[1, 1], [1, 0], [1, 1]])
    assert groups.sizes.tolist() == [1, 1, 2]
    some = groups.take(np.array([2, 3]))
    assert some.rows.tolist() == [12, 13]
    assert some.number.tolist() == [1, 0]
    assert some.texts == ("y", "z")
    np.testing.assert_array_equal(some.columns, [[0, 1], [1, 0]])


def test_names_of_groups():
    texts = ("p", "q", "q", "r", "p")
    groups = Groups(np.arange(5), np.array([0, 0, 0, 1, 0]), np.zeros((5, 2), np.float32), texts)
    assert groups.name(0) == "the group 'p' and 1 more that near-duplicates join to it"
    assert groups.name(1) == "the group 'r'"
    assert one_each([2]).name(0) == "a group of near-duplicates"


def test_what_is_spread_evenly():
    nan = float("nan")
    strata = np.array([[1], [0]], np.float32)
    found = groups_of(made([[1, nan], [0, 1]], strata=strata)).columns
    np.testing.assert_array_equal(found, [[1, 0, 1], [0, 1, 0]])
    single = groups_of(made([[1], [0], [nan]])).columns
    np.testing.assert_array_equal(single, [[1, 0], [0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a", "b", "c", "d"], "every image has a value of its own in the column 'c'"),
        (["a", "a", "", " "], "2 images have no value in 'c'"),
        (["a", "a", "b", "b"], ""),
    ],
)
def test_columns_that_group_little_are_said(capfd, texts: list[str], said: str):
    groups_of(made(FOUR, {"c": texts}), "c")
    err = " ".join(capfd.readouterr().err.split())
    assert (said in err) if said else not err


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(UserError, match=r"'d'.*|Unknown column of the data's table"):
        groups_of(made(FOUR, {"c": list("abcd")}), "d")


def test_a_column_of_one_value_is_refused():
    with pytest.raises(UserError, match=r"same value in the column 'c'.*'x'"):
        groups_of(made(FOUR, {"c": ["x"] * 4}), "c")
    assert grouping.column_of(made(FOUR, {"c": [" x ", "y", "", "x"]}), "c") == ("x", "y", "", "x")


# ---- ready-made splits


def ready(parts: list[str], **other) -> tuple[list[int], ...]:
    data = made((FOUR * 10)[: len(parts)], {"split": parts}, other.pop("alike", ()))
    found = ready_split(data, "split", **other)
    return tuple(rows_of(getattr(found, part)) for part in PARTS)


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Training", "VALID", "testing"),
        ("train2017", "validation", "test1999"),
        ("TRAIN2012", "dev", "TEST"),
    ],
)
def test_the_spellings_of_parts(train: str, val: str, test: str):
    assert ready([train, val, test, train], val_share=0) == ([0, 3], [1], [2])


@pytest.mark.parametrize("wrong", ["train17", "train1800", "2017", "trainval", "", "train20177"])
def test_what_is_no_part(wrong: str):
    with pytest.raises(UserError, match=r"no part of a split.*\(1 images\)"):
        ready(["train", "test", wrong])


def test_validation_has_its_share_of_all_images_and_nothing_of_the_test_part():
    parts = ["train"] * 30 + ["test"] * 10
    train, val, test = ready(parts, val_share=0.3)
    assert test == list(range(30, 40))
    assert sorted(train + val) == list(range(30))
    assert len(val) == 12
    assert ready(parts, val_share=0.3) == ready(parts, val_share=0.3, seed=0)
    assert ready(parts, val_share=0.3, seed=1) != ready(parts, val_share=0.3, seed=2)
    assert ready(parts, val_share=0)[1] == []


@pytest.mark.parametrize(
    ("parts", "words"),
    [(["train"] * 4, "has no test image"), (["val", "test"] * 2, "has no training image")],
)
def test_a_column_without_a_part(parts: list[str], words: str):
    with pytest.raises(UserError, match=words + r".*--test-share 0\.4 splits at random"):
        ready(parts)


def test_of_two_parts_the_one_that_is_not_trained_on_is_tested(capfd):
    """Thresholds are chosen on validation images, so that they cannot be what is measured."""
    console.say_once.cache_clear()
    train, val, test = ready(["train", "train", "train", "Valid"] * 5, val_share=0.2)
    assert test == [3, 7, 11, 15, 19]
    assert len(val) == 4
    assert sorted(train + val + test) == list(range(20))
    said = " ".join(capfd.readouterr().err.split())
    assert "'split' tells two parts: what it calls 'Valid' is the test part" in said


def test_many_wrong_values_are_not_all_listed():
    wrong = [f"part {number}" for number in range(22)]
    with pytest.raises(UserError, match=r"'part 0' \(1 images\).*'part 19' .* and 2 more"):
        ready(["train", *wrong])
    with pytest.raises(UserError) as refused:
        ready(["train", *wrong[:20]])
    assert "more" not in str(refused.value)


@pytest.mark.parametrize(
    ("alike", "count"),
    [
        ([(0, 6)], "1 test images"),  # trained on
        ([(4, 6, 7)], "2 test images"),  # validated on
        ([(0, 6), (1, 7, 8)], "3 test images"),
        ([(6, 7), (0, 1), (2, 4)], ""),  # within the test part, or beside it
    ],
)
def test_test_images_with_duplicates_elsewhere_are_counted(capfd, alike, count: str):
    ready(["train"] * 4 + ["val"] * 2 + ["test"] * 4, alike=alike)
    err = capfd.readouterr().err
    assert (f"warning: {count} have near-duplicates" in err) if count else not err


def same_file(parts: list[str], same: tuple[int, ...] = (0, 1, 1, 3)) -> str:
    """Return what is said where row 2 is the file of row 1, or of others like these."""
    data = made(FOUR, {"split": parts})
    data = replace(data, image_ids=tuple(data.image_ids[row] for row in same))
    try:
        ready_split(data, "split")
    except UserError as refused:
        return str(refused)
    return ""


def test_one_file_in_two_parts():
    said = same_file(["train", "val", "test", "train"])
    assert "1 files have the same content" in said
    assert "1.png (val) and 2.png (test)" in said
    assert same_file(["train", "test", "test", "train"]) == ""
    said = same_file(["train", "train", "val", "test"], (0, 1, 0, 1))
    assert "2 files have the same content" in said
    assert "0.png (train) and 2.png (val)" in said


# ---- options


def test_every_option_reaches_the_split():
    data = made(FOUR * 4, {"g": [str(row // 2) for row in range(16)], "s": ["train", "test"] * 8})
    by = lambda **options: split_by(data, Splitting(**options))  # noqa: E731
    assert by() == ready_split(data, "s", 0, 0.1)
    assert by(split_seed=2, val_share=0.2) == ready_split(data, "s", 2, 0.2)
    assert by(test_share=0.4) == default_split(data, 0, 0.4, 0.1)
    assert by(split_seed=3, test_share=0.2, val_share=0.3) == default_split(data, 3, 0.2, 0.3)
    assert by(group_column="g", split_seed=1) == default_split(data, 1, 0.4, 0.1, "g")
    assert by(group_column="g").group_column == "g"
    assert by(fold="2/4", split_seed=5, val_share=0.2) == fold_split(data, Fold(2, 4), 5, 0.2)
    assert by(fold="2/4", group_column="g") == fold_split(data, Fold(2, 4), 0, 0.1, "g")
    assert by(split_column="s", split_seed=2, val_share=0.2) == ready_split(data, "s", 2, 0.2)


def test_the_shares_that_came_out_are_said_where_a_column_decides(capfd):
    data = made(FOUR * 5, {"g": [str(row // 2) for row in range(20)]})
    split_by(data, Splitting())
    assert not capfd.readouterr().err
    split_by(data, Splitting(group_column="g", test_share=0.5, val_share=0.2))
    assert "train 6 (30.0%), validation 4 (20.0%), test 10 (50.0%)" in capfd.readouterr().err
    ready_made = made(FOUR, {"s": ["train", "val", "test", "test"]})
    split_by(ready_made, Splitting(split_column="s"))
    assert "train 1 (25.0%), validation 1 (25.0%), test 2 (50.0%)" in capfd.readouterr().err


@pytest.mark.parametrize("option", [{"fold": "1/5"}, {"test_share": 0.2}, {"group_column": "g"}])
def test_a_ready_made_split_excludes_the_others(option):
    name = next(iter(option)).replace("_", "-")
    with pytest.raises(UserError, match=f"--split-column and --{name} exclude each other"):
        splitting.check(Splitting(split_column="s", **option))
    with pytest.raises(UserError, match="exclude each other"):
        split_by(
            made(FOUR * 5, {"s": ["train", "test"] * 10}), Splitting(split_column="s", **option)
        )
    assert splitting.check(Splitting(**option)) is None
    assert splitting.check(Splitting(split_column="s")) is None


def test_a_fold_that_is_none_is_refused_before_the_data():
    with pytest.raises(UserError, match="--fold is K/N"):
        splitting.check(Splitting(fold="0/5"))


@pytest.mark.parametrize(
    ("name", "wrong"), [("test_share", 0), ("test_share", 1), ("val_share", -0.1), ("val_share", 1)]
)
def test_shares_that_are_none(name: str, wrong: float):
    with pytest.raises(ValueError, match=name):
        Splitting(**{name: wrong})
