"""The stand-ins of people's data are what they say, and settings hold for them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import stand_ins
from PIL import Image

from compress.planning.facts import Facts, Start
from compress.planning.settings import settings
from edgepress.core.image_spec import ImageSpec
from edgepress.data.brought import brought
from edgepress.data.context import Context
from edgepress.data.dataset import open_data
from edgepress.data.duplicates import groups
from edgepress.data.random_split import default_split

KINDS = {
    "one_label": (100, 1, 48, False, (48, 8)),
    "long_tail": (300, 20, 64, False, (64, 8)),
    "many_labels": (400, 200, 64, False, (64, 8)),
    "grey": (160, 3, 64, True, (64, 8)),
    "large": (40, 2, 1024, False, (224, 8)),
    "ready_split": (160, 4, 48, True, (48, 8)),
}
"""Images, labels, pixels, whether they are grey, and the size and the batch that suit them."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_stand_in_is_of_its_kind(kind: str, tmp_path: Path) -> None:
    images, labels, pixels, grey, (size, batch) = KINDS[kind]
    made = open_data(str(getattr(stand_ins, kind)(tmp_path / "data")))
    assert (made.targets.shape, made.grey) == ((images, labels), grey)
    assert len(set(groups(made.thumbnails).tolist())) == images
    with Image.open(made.paths[0]) as picture:
        assert (*picture.size, picture.mode) == (pixels, pixels, "L" if grey else "RGB")
    facts = Facts(
        Start("none", None, None),
        Context(made, default_split(made), ImageSpec()),
        np.full((images, 2), pixels, np.int32),
    )
    values = {one.name: one.value for one in settings(facts, 224, quick=True)}
    assert (values["image_size"], values["batch_size"]) == (size, batch)


def test_a_long_tail_has_a_label_on_half_of_its_pictures_and_one_on_five(tmp_path: Path) -> None:
    counts = open_data(str(stand_ins.long_tail(tmp_path / "data"))).targets.sum(axis=0)
    assert (counts[0], counts[-1]) == (150, 5)
    assert (np.diff(counts) < 0).all()


def test_a_ready_split_is_in_the_table(tmp_path: Path) -> None:
    table = open_data(str(stand_ins.ready_split(tmp_path / "data"))).table
    assert brought(table).column == "split"
    parts = table.columns["split"]
    assert [parts.count(part) for part in ("train", "val", "test")] == [80, 30, 50]


def test_a_label_is_a_bright_square_of_its_own(tmp_path: Path) -> None:
    made = open_data(str(stand_ins.many_labels(tmp_path / "data")))
    for path, labels in list(zip(made.paths, made.targets, strict=True))[:20]:
        with Image.open(path) as picture:
            bright = (np.asarray(picture) == 255).all(axis=2)
        edges = np.arange(16) * 64 // 15
        cells = [
            bright[top:below, left:right].all()
            for top, below in pairwise(edges)
            for left, right in pairwise(edges)
        ]
        assert (np.array(cells[:200]) == (labels == 1)).all()
