"""A split that the data bring is taken, and said; a random one mixes parts that are kept apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data import random_split, split
from edgepress.data.brought import brought
from edgepress.data.dataset import Dataset
from edgepress.data.ready_split import ready_split
from edgepress.data.splitting import Splitting, split_by
from edgepress.data.table import Table

N = 40
SPLIT = ("train",) * 24 + ("valid",) * 6 + ("test",) * 10


def data(**columns: tuple[str, ...]) -> Dataset:
    """Return images of which no two are alike, with two labels and these columns."""
    rng = np.random.default_rng(0)
    paths = tuple(Path(f"{number}.png") for number in range(N))
    targets = (rng.random((N, 2)) < 0.5).astype(np.float32)
    return Dataset(
        source="x",
        format="csv",
        table=Table(paths, ("a", "b"), targets, columns=columns),
        image_ids=tuple(f"{number:016x}" for number in range(N)),
        grey=False,
        thumbnails=rng.integers(0, 255, (N, 16, 16), dtype=np.uint8),
        fingerprint="x",
    )


@pytest.fixture(autouse=True)
def _afresh():
    console.say_once.cache_clear()
    console.warn_once.cache_clear()


def said(capfd: pytest.CaptureFixture[str]) -> str:
    return " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize(
    ("name", "texts", "found"),
    [
        ("split", SPLIT, True),
        ("part", ("train2017",) * 30 + ("val2017",) * 10, True),
        ("part", (" Train",) * 30 + ("TEST ",) * 10, True),
        ("partition", ("0", "1", "2", "0") * 10, True),
        ("is_valid", ("True", "False") * 20, None),
        ("is_test", ("1", "0") * 20, None),
        ("split", ("train",) * N, False),
        ("split", ("train", "other") * 20, False),
        ("split", ("train", "test", "", "test") * 10, False),
        ("stage", ("dev", "test") * 20, False),
        ("is_red", ("True", "False") * 20, False),
        ("site", ("0", "1", "2", "0") * 10, False),
    ],
)
def test_columns_that_hold_a_split_are_known(name: str, texts: tuple[str, ...], found: bool | None):
    """What marks one part is taken when it is asked for: `is_valid` may mean "found good"."""
    of = brought(data(**{name: texts}).table)
    assert of.column == (name if found else None)
    assert of.asked == ((name,) if found is None else ())


def test_a_split_that_the_data_bring_is_taken_and_said(capfd):
    found = split_by(data(split=SPLIT), Splitting())
    assert found == ready_split(data(split=SPLIT), "split")
    assert found.by is not None
    assert found.by.split_column == "split"  # of which a file tells how its split was made
    text = said(capfd)
    assert "the data bring a split, in 'split', which is used; --test-share 0.4 splits at" in text
    assert "train 24 (60.0%), validation 6 (15.0%), test 10 (25.0%)" in text


@pytest.mark.parametrize("options", [{"test_share": 0.4}, {"fold": "1/4"}, {"group_column": "g"}])
def test_a_split_that_is_asked_for_comes_first(options, capfd):
    images = data(split=SPLIT, g=tuple(str(n) for n in range(N)))
    found = split_by(images, Splitting(**options))
    assert found == split.made(images, split.SplitBy(seed=0, val_share=0.1, **options))
    assert found != ready_split(images, "split")
    text = said(capfd)
    assert "the data bring a split, in 'split': it is not used, and its parts are mixed" in text
    assert "--split-column split takes it" in text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, ""),
        (
            {"is_valid": ("True", "False", "False", "False") * 10},
            "--split-column is_valid takes it",
        ),
        ({"split": (*SPLIT[:-1], "unused")}, "it also holds 'unused' (1 images); write train, val"),
        (
            {"Split": ("A", "B") * 20},
            "'Split' is not taken as a split, since it also holds 'A' (20",
        ),
        ({"split": ("val", "test") * 20}, "since it tells no training image"),
    ],
)
def test_what_is_not_taken_is_said(columns, words: str, capfd):
    found = split_by(data(**columns), Splitting())
    assert found == random_split.default_split(data())
    text = said(capfd)
    assert words in text
    assert bool(text) == bool(words)
    assert "not taken as a split, since" in text or "write" not in words


def test_splits_that_differ_are_not_chosen_from(capfd):
    other = SPLIT[::-1]
    with pytest.raises(UserError, match=r"'split', 'mine'.*--split-column split.*--test-share 0.4"):
        split_by(data(split=SPLIT, mine=other), Splitting())
    same = tuple({"valid": "val"}.get(each, each).upper() for each in SPLIT)
    assert split_by(data(mine=same, split=SPLIT), Splitting()).by.split_column == "mine"
    assert split.split_for(data(split=SPLIT, mine=other), ()) == random_split.default_split(data())
    assert "bring several splits, which differ: 'split', 'mine': a random split is" in said(capfd)


def test_a_model_of_unknown_origin_is_measured_on_the_split_that_the_data_bring(capfd):
    """Its training images were rather those of the part that is called so."""
    assert split.split_for(data(split=SPLIT), ()) == ready_split(data(split=SPLIT), "split")
    assert "the data bring a split, in 'split', which is used" in said(capfd)
    images = data(split=SPLIT)
    twice = replace(images, image_ids=(images.image_ids[-1], *images.image_ids[1:]))
    assert split.split_for(twice, ()) == random_split.default_split(twice)
    assert "the split in 'split' cannot be used, a random one is: 1 files have" in said(capfd)
