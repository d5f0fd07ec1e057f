"""Data, their split and the preprocessing of a model, opened once and passed on."""

from pathlib import Path

import numpy as np
import pytest

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Split
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset
from edgepress.data.table import Table

IDS = tuple(f"{number:016x}" for number in range(6))
TARGETS = np.float32([[0, 1], [1, 0], [1, 1], [0, 0], [np.nan, 1], [1, np.nan]])


def context(train: str, val: str, test: str) -> Context:
    """Return six images in parts, e.g. `"014"` for three of them."""
    paths = tuple(Path(f"{number}.png") for number in range(6))
    dataset = Dataset(
        source="x",
        format="csv",
        table=Table(paths, ("a", "b"), TARGETS),
        image_ids=IDS,
        grey=False,
        thumbnails=np.random.default_rng(0).integers(0, 255, (6, 16, 16), dtype=np.uint8),
        fingerprint="prints",
    )
    parts = [tuple(IDS[int(one)] for one in part) for part in (train, val, test)]
    split = Split(train=parts[0], val=parts[1], test=parts[2])
    return Context(dataset, split, ImageSpec(height=8, width=8))


def test_parts_are_in_the_order_of_the_data():
    made = context("41", "5", "320")
    assert made.rows("train").tolist() == [1, 4]
    assert made.images("test").rows.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(made.targets("val"), TARGETS[[5]])


def test_a_part_can_be_required():
    made = context("0123", "", "45")
    assert made.require("test") is made
    with pytest.raises(UserError, match=r"no image in the part val.*another part \(train, test\)"):
        made.require("val")


def test_beside_the_test_part_is_validation_where_there_is_some():
    assert context("012", "3", "45").beside_test == "val"
    assert context("0123", "", "45").beside_test == "train"


def test_what_a_manifest_says_of_the_data():
    made = context("012", "3", "45")
    told = made.reference(assumed=True)
    assert (told.source, told.fingerprint, told.split) == ("x", "prints", made.split)
    assert told.assumed
    assert not made.reference().assumed


def test_the_identity_is_of_data_and_split():
    made = context("012", "3", "45")
    assert made.identity == context("012", "3", "45").identity
    assert made.identity != context("013", "2", "45").identity
