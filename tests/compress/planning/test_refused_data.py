"""What a plan refuses of the data and of the disk before any work: one message each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_data import made
from places import ROOT

from compress.planning.data import space
from compress.planning.data.limits import check_gates, check_images, check_parts
from compress.planning.data.space import MODELS, USUAL_BYTES, Disk, check_space, disk_needed
from compress.planning.facts import Facts, Start
from edgepress.core import artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Split
from edgepress.data.context import Context
from edgepress.data.ranges import Ranges

SPEC = ImageSpec(height=64, width=32)
NAN = float("nan")
PARTS = {"r": "train", "v": "val", "t": "test"}


def split(targets: Sequence[Sequence[float]], letters: str) -> Context:
    """Return images of these targets; `r` is a training, `v` a validation, `t` a test image."""
    dataset = made(targets)
    pairs = [*zip(dataset.image_ids, letters, strict=True)]
    ids = {
        part: tuple(one for one, its in pairs if its == letter) for letter, part in PARTS.items()
    }
    return Context(dataset, Split(**ids), SPEC)


BOTH = [[1, 0], [0, 1]]


def test_one_label_that_shows_is_enough():
    check_parts(split([*BOTH, *BOTH], "rrtt"))
    check_parts(split([[1, 0], [0, 0], [1, 0], [0, 1]], "rrtt"))  # b is in one test image only
    assert not check_parts(split([*BOTH, *BOTH], "rrtt"), 2)


@pytest.mark.parametrize(
    ("targets", "letters", "batch", "words"),
    [
        (BOTH * 2, "rrvv", 2, "There is no image in the part test"),
        (BOTH * 2, "ttvv", 2, "too few images to train on: the training part has 0. Got: of 4 "),
        (BOTH * 2, "rttv", 2, "too few images to train on: the training part has 1. Got: of 4 "),
        (BOTH * 2, "rrtt", 3, "fewer training images than one batch. Got: 2 images, batch size 3"),
        ([[NAN, NAN]] * 2 + BOTH, "rrtt", 2, "No label is known of any training image"),
        ([[0, 1], [0, 1], *BOTH], "rrtt", 2, "No label can be learnt: of none does the training"),
        ([*BOTH, [0, 0], [NAN, 0]], "rrtt", 2, "No label can be measured: of none does the test"),
    ],
)
def test_parts_that_show_too_little(targets, letters: str, batch: int, words: str):
    with pytest.raises(UserError, match="Next: ") as refused:
        check_parts(split(targets, letters), batch)
    assert words in str(refused.value)


def test_the_message_says_how_many_there_are_and_are_needed():
    with pytest.raises(UserError) as refused:
        check_parts(split([*BOTH, [0, 0], [0, 0]], "rrtt"))
    assert str(refused.value) == (
        "No label can be measured: of none does the test part show both images that have it and "
        "images that lack it. Got: of 4 images of made so many have each label: a 1, b 1. Allowed: "
        "3 images or more that have one label, and 3 that lack it: one for each part. Next: add "
        "images, put labels together into fewer, or name a split that spreads them: --split-column"
    )


def test_too_few_images_to_split():
    assert not check_images(made([*BOTH, *BOTH]))
    with pytest.raises(
        UserError, match=r"Got: of 3 images of made so many have each label: b 1, a 2"
    ):
        check_images(made([*BOTH, [1, 0]]))


def test_samples_of_an_unknown_range():
    context = split([*BOTH, *BOTH], "rrtt")
    one = np.ones(4)
    ranges = Ranges(0 * one, one, one, NAN * one, one > 0, one.astype(np.int32), one > 1)
    context = replace(context, dataset=replace(context.dataset, ranges=ranges))
    with pytest.raises(UserError, match="--pixel-range 0 1"):
        check_parts(context)
    declared = SPEC.model_copy(update={"pixel_range": (0.0, 1.0)})
    assert not check_parts(replace(context, spec=declared))


ONE_SIDED = [*BOTH, [1, 0], [0, 0]]
"""No test image has `b`."""


@pytest.mark.parametrize("gate", ["ap[b] drop <= 0.1", "ap[b] >= 0.1", "worst_ap drop <= 0.1"])
def test_gates_that_could_only_fail(gate: str):
    with pytest.raises(UserError, match="could only fail, since no test image has: b") as refused:
        check_gates(split(ONE_SIDED, "rrtt"), ("map drop <= 0.1", gate))
    assert gate in str(refused.value)


@pytest.mark.parametrize("gate", ["ap[a] drop <= 0.1", "map drop <= 0.1", "recall[a] >= 0.1"])
def test_gates_that_can_be_decided(gate: str):
    assert not check_gates(split(ONE_SIDED, "rrtt"), (gate,))
    assert not check_gates(split([*BOTH, *BOTH], "rrtt"), ("worst_ap drop <= 0.1",))


def facts(start: Start, views: int | None = None) -> Facts:
    context = replace(split([*BOTH, *BOTH], "rrtt"), views=views)
    table = replace(context.dataset.table, views=("identity", "rot90", "rot180"))
    dataset = replace(context.dataset, table=table)
    return Facts(start, replace(context, dataset=dataset), np.zeros((4, 2), np.int32))


def test_the_disk_that_is_needed(tmp_path: Path):
    answers = 6 * 3 * 2 * 2 * 4  # models, views, test images, labels, bytes
    unknown = disk_needed(facts(Start("none", None, None)), [SPEC])
    assert unknown == Disk(cache=4 * 64 * 32, out=MODELS * USUAL_BYTES + answers)
    assert unknown.total == unknown.cache + unknown.out
    (tmp_path / "weights.pth").write_bytes(b"x" * 777)
    given = disk_needed(facts(Start("checkpoint", tmp_path / "weights.pth", None), views=2), [])
    assert given == Disk(cache=0, out=MODELS * 777 + answers * 2 // 3)
    model = artifact.load(ROOT / "models" / "zoo" / "elpv_teacher")
    shipped = disk_needed(facts(Start("network", model.path, None, model)), [])
    assert shipped.out == MODELS * model.size_bytes + answers


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch):
    """Set the bytes that each folder has free; the last part of a path names its disk."""

    def install(free: dict[str, int], one_disk: bool) -> None:
        monkeypatch.setattr(space, "_disk", lambda folder: 0 if one_disk else folder.name)
        monkeypatch.setattr(
            space.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free[Path(folder).name])
        )

    return install


def test_no_space(tmp_path: Path, disk, monkeypatch: pytest.MonkeyPatch):
    cache, out = tmp_path / "cache", tmp_path / "out"
    cache.mkdir(), out.mkdir()
    monkeypatch.setenv("EDGEPRESS_CACHE", str(cache))
    needed, place = Disk(cache=3000, out=2000), out / "runs" / "mine"
    disk({"cache": 3000, "out": 2000}, one_disk=False)
    assert not check_space(needed, place)
    disk({"cache": 2999, "out": 2000}, one_disk=False)
    with pytest.raises(
        UserError, match=r"3.00 kB free at .*cache. Allowed: about 3.00 kB for the cache"
    ):
        check_space(needed, place)
    disk({"cache": 3000, "out": 1000}, one_disk=False)
    with pytest.raises(UserError, match=r"1.00 kB free at .*out. Allowed: about 2.00 kB for --out"):
        check_space(needed, place)
    disk({"cache": 4999, "out": 4999}, one_disk=True)
    with pytest.raises(UserError, match=r"about 3\.00 kB for the cache and 2\.00 kB for --out"):
        check_space(needed, place)
    assert not (out / "runs").exists()
    disk({"cache": 5000, "out": 5000}, one_disk=True)
    assert not check_space(needed, place)


def test_folders_beside_each_other_are_on_one_disk(tmp_path: Path):
    (tmp_path / "one").mkdir()
    assert space._disk(tmp_path / "one") == space._disk(tmp_path)
