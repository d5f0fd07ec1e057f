"""A split that the data bring is named where it is passed over: a random one mixes its parts."""

from pathlib import Path

import numpy as np
import pytest

from edgepress.core import console
from edgepress.data import ready_split
from edgepress.data.dataset import Dataset
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


@pytest.mark.parametrize(
    ("name", "texts", "found"),
    [
        ("split", SPLIT, True),
        ("part", ("train2017",) * 30 + ("val2017",) * 10, True),
        ("is_valid", ("True", "False") * 20, True),
        ("partition", ("0", "1", "2", "0") * 10, True),
        ("split", ("train",) * N, False),
        ("split", ("train", "other") * 20, False),
        ("is_red", ("True", "False") * 20, False),
        ("site", ("0", "1", "2", "0") * 10, False),
    ],
)
def test_columns_that_hold_a_split_are_known(name: str, texts: tuple[str, ...], found: bool):
    assert ready_split.brought(data(**{name: texts})) == ([name] if found else [])


def test_a_split_that_is_passed_over_is_named(capfd: pytest.CaptureFixture[str]):
    console.say_once.cache_clear()
    split_by(data(split=SPLIT), Splitting())
    said = " ".join(capfd.readouterr().err.split())
    assert "the data bring a split, in 'split': it is not used, and its parts are mixed" in said
    assert "--split-column split takes it" in said


@pytest.mark.parametrize(
    ("columns", "options"), [({"split": SPLIT}, {"split_column": "split"}), ({}, {})]
)
def test_nothing_is_said_where_nothing_is_passed_over(columns, options, capfd):
    console.say_once.cache_clear()
    split_by(data(**columns), Splitting(**options))
    assert "bring a split" not in "".join(capfd.readouterr())
