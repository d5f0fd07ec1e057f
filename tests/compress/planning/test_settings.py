"""Settings are sensible for few images and many, small pictures and large, and say why."""

import math
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verdicts import model

from compress import distill, prune, train
from compress.planning.facts import Choice, Facts, Origin, Start
from compress.planning.settings import STRETCH, settings, teacher_rate
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Split
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset
from edgepress.data.table import Table
from edgepress.data.views import DIHEDRAL

FEW, CELLS, MANY = 100, 1312, 100_000
COUNTS = (2, 5, 20, FEW, 700, CELLS, 10_000, MANY)
PIXELS = (8, 28, 45, 48, 63, 64, 96, 200, 300, 1024, 4000)
NATIVE = (None, 32, 224, 300, 384, 2048)
TRIED_RATES = (3e-4, 1e-2)
TRIED_STRENGTHS = (0, 2)
TRIED_BATCHES = (4, 32)


def facts(
    train: int = CELLS, labels: int = 4, pixels: int = 300, test: int = 1050, views: int = 1
) -> Facts:
    """Return facts of data that are nowhere; the label `k` is on one image in `k + 2`."""
    n, names = train + test, tuple(f"label {number}" for number in range(labels))
    ids = tuple(map(str, range(n)))
    tail = np.arange(n)[:, None] % np.arange(2, labels + 2) == 0
    table = Table(
        paths=(Path("picture.png"),) * n,
        label_names=names,
        targets=tail.astype(np.float32),
        views=DIHEDRAL[:views],
    )
    dataset = Dataset(
        source="made", format="made", table=table, image_ids=ids, grey=bool(n % 2),
        thumbnails=np.zeros((n, 1, 1), np.uint8), fingerprint="made",
    )  # fmt: skip
    split = Split(train=ids[:train], val=(), test=ids[train:])
    sizes = np.full((n, 2), pixels, np.int32)
    sizes[:, 0] += np.arange(n, dtype=np.int32) % 2 * pixels  # half of them are twice as wide
    return Facts(Start("none", None, None), Context(dataset, split, ImageSpec()), sizes)


def started(origin: Origin, artifact: Artifact | None = None) -> Facts:
    made = facts()
    return Facts(Start(origin, Path("model"), None, artifact), made.context, made.sizes)


def chosen(made: Facts, native: int | None = 224, quick: bool = False, **more: Any) -> dict:
    return {one.name: one.value for one in settings(made, native, quick, **more)}


def reason(choices: tuple[Choice, ...], name: str) -> str:
    return next(one.reason for one in choices if one.name == name)


SMALL_AND_LARGE = [
    facts(train, labels, pixels, test, views)
    for train, (labels, pixels), (test, views) in product(
        COUNTS, ((1, 64), (200, 48), (20, 1024)), ((40, 8), (3000, 8))
    )
    if labels * train < 10_000_000
]
KINDS = list(product(SMALL_AND_LARGE, (False, True), (False, True)))


@pytest.mark.parametrize(("pixels", "native"), list(product(PIXELS, NATIVE)))
def test_an_input_is_no_larger_than_the_pictures_and_the_network_warrant(pixels, native) -> None:
    size = chosen(facts(20, pixels=pixels, test=3), native)["image_size"]
    assert 32 <= size <= 1024
    assert size <= max(32, pixels * STRETCH)
    assert size <= max(32, native or 224)
    assert size == native or size % (32 if pixels >= 64 else 16) == 0
    assert size >= min(0.66 * pixels, native or 224, 1024)


@pytest.mark.parametrize(
    ("pixels", "native", "size"),
    [(28, 224, 32), (48, 224, 48), (45, None, 48), (64, 224, 64), (200, 224, 224), (190, 224, 160),
     (300, 224, 224), (1024, 224, 224), (1024, 300, 300), (1024, None, 224), (256, 384, 256)],
)  # fmt: skip
def test_an_input_by_the_median_of_the_shorter_sides(pixels, native, size) -> None:
    assert chosen(facts(20, pixels=pixels, test=3), native)["image_size"] == size


def test_a_model_keeps_its_input() -> None:
    own = model("own")
    image = ImageSpec(height=160, width=160, interpolation="bicubic")
    artifact = Artifact(own.path, own.manifest.model_copy(update={"image": image}))
    values = chosen(started("network", artifact))
    assert (values["image_size"], values["interpolation"]) == (160, "bicubic")
    assert values["teacher_epochs"] == 0


def test_a_checkpoint_keeps_the_size_of_its_network() -> None:
    small = facts(pixels=64)
    start = Start("checkpoint", Path("best.pth"), None)
    assert chosen(Facts(start, small.context, small.sizes))["image_size"] == 224
    assert chosen(Facts(start, small.context, small.sizes), None)["image_size"] == 64


def test_batches_leave_steps_enough() -> None:
    for images in COUNTS:
        size = chosen(facts(images, test=3))["batch_size"]
        assert math.log2(size).is_integer()
        assert size <= images
        assert size >= 8 or size * 2 > images
        assert images // size >= min(20, images // 8)
        assert images < 8 or TRIED_BATCHES[0] <= size <= TRIED_BATCHES[1]


def test_batches_of_some_data() -> None:
    sizes = [chosen(facts(train, test=3))["batch_size"] for train in (5, FEW, CELLS, MANY)]
    assert sizes == [4, 8, 16, 32]


@pytest.mark.parametrize(("most", "size"), [(1, 2), (7, 4), (15, 8), (16, 16), (4000, 16)])
def test_batches_fit_into_memory(most: int, size: int) -> None:
    choices = settings(facts(), 224, quick=False, most_images=most)
    assert next(one.value for one in choices if one.name == "batch_size") == size
    assert ("memory" in reason(choices, "batch_size")) is (most < 16)


def test_rates_and_strengths_are_of_the_ranges_that_were_tried() -> None:
    for made, quick, pretrained in KINDS:
        values = chosen(made, quick=quick, pretrained=pretrained)
        for name in ("teacher_learning_rate", "student_learning_rate", "prune_learning_rate"):
            assert TRIED_RATES[0] <= values[name] <= TRIED_RATES[1]
        assert TRIED_STRENGTHS[0] <= values["augmentation"] <= TRIED_STRENGTHS[1]
        assert 0 <= values["mixup"] <= 0.4


@pytest.mark.parametrize(
    ("steps", "pretrained", "rate"),
    [(599, True, 3e-3), (600, True, 1.5e-3), (599, False, 6e-3), (600, False, 3e-3)],
)
def test_short_trainings_take_longer_steps(steps: int, pretrained: bool, rate: float) -> None:
    assert teacher_rate(steps, pretrained).value == rate


def test_a_rate_that_nothing_uses_is_said_to_be() -> None:
    assert teacher_rate(0, True).reason == "not used: no teacher is trained"


def test_the_learning_rate_goes_by_the_steps_of_the_whole_training() -> None:
    assert chosen(facts())["teacher_learning_rate"] == 1.5e-3
    assert chosen(facts(), quick=True)["teacher_learning_rate"] == 3e-3
    assert chosen(facts(), quick=True, pretrained=False)["teacher_learning_rate"] == 6e-3


def test_a_quick_student_learns_what_its_teacher_shows() -> None:
    assert chosen(started("network", model("it")), quick=True)["method"] == "feature-maps"
    assert chosen(started("graph", model("it")), quick=True)["method"] == "soft-labels"
    assert chosen(started("graph", model("it")))["method"] == "auto"


def test_small_pictures_are_changed_less() -> None:
    strengths = [chosen(facts(pixels=pixels))["augmentation"] for pixels in (28, 48, 64, 1024)]
    assert strengths == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("name", ["teacher_epochs", "student_epochs"])
@pytest.mark.parametrize("pretrained", [True, False])
def test_more_images_take_fewer_epochs_and_more_steps(name: str, pretrained: bool) -> None:
    counts = (FEW, 700, CELLS, 10_000, MANY)
    epochs = [chosen(facts(n, test=3), pretrained=pretrained)[name] for n in counts]
    assert all(more <= fewer for fewer, more in pairwise(epochs))
    seen = [n * each for n, each in zip(counts, epochs, strict=True)]
    assert all(fewer < more for fewer, more in pairwise(seen))
    assert 3 <= min(epochs) <= max(epochs) <= 120
    assert seen[0] >= 5_000


def test_random_weights_are_trained_longer_and_the_student_is_not() -> None:
    for quick in (False, True):
        usual, random = (chosen(facts(), 224, quick, pretrained=one) for one in (True, False))
        assert 1.5 * usual["teacher_epochs"] <= random["teacher_epochs"]
        assert usual["student_epochs"] <= random["student_epochs"]
    assert chosen(facts(), pretrained=False)["student_epochs"] == 31
    assert chosen(facts(FEW), pretrained=False)["teacher_epochs"] == 120


def test_the_solar_cells_are_trained_as_they_were() -> None:
    values = chosen(facts(views=8))
    assert (values["teacher_epochs"], values["student_epochs"]) == (24, 31)
    assert (values["prune_rounds"], values["prune_epochs"]) == (2, 1)
    assert (values["batch_size"], values["views"], values["image_size"]) == (16, 8, 224)


def test_quick_is_never_longer_and_long_enough_to_learn() -> None:
    for made, _, pretrained in KINDS:
        usual = chosen(made, pretrained=pretrained)
        quick = chosen(made, quick=True, pretrained=pretrained)
        lengths = ("teacher_epochs", "student_epochs", "prune_rounds", "prune_epochs", "views")
        assert all(quick[name] <= usual[name] for name in lengths)
        assert quick["views"] == 1
        assert 1 <= quick["teacher_epochs"] <= 12
        images = made.images()[0]
        steps = quick["teacher_epochs"] * (images // quick["batch_size"])
        assert images < FEW or steps >= 100


def test_a_large_test_part_is_seen_in_fewer_views() -> None:
    views = [chosen(facts(20, test=test, views=8))["views"] for test in (40, 1250, 3000, 20_000)]
    assert views == [8, 8, 3, 1]
    assert chosen(facts(20, test=40))["views"] == 1


@pytest.mark.parametrize("origin", ["checkpoint", "network", "file", "graph"])
def test_what_is_trained_already_is_not_trained(origin: Origin) -> None:
    assert chosen(started(origin))["teacher_epochs"] == 0
    assert chosen(started(origin), quick=True)["teacher_epochs"] == 0


def test_each_is_named_once_and_says_why() -> None:
    for made, quick, pretrained in KINDS:
        choices = settings(made, 224, quick, pretrained)
        names = [one.name for one in choices]
        assert len(set(names)) == len(names)
        assert all(10 <= len(one.reason) <= 70 for one in choices)
    assert reason(settings(facts(), 224, False), "batch_size") == (
        "1,312 training images: 82 steps an epoch"
    )


def test_the_stages_take_what_is_chosen() -> None:
    for made, quick, pretrained in KINDS[:: len(KINDS) // 12]:
        found = chosen(made, quick=quick, pretrained=pretrained)
        shared = {name: found[name] for name in ("batch_size", "augmentation", "mixup")}
        taught = train.Config(
            **shared, image_size=found["image_size"], interpolation=found["interpolation"],
            loss=found["loss"], views=found["views"], epochs=found["teacher_epochs"],
            learning_rate=found["teacher_learning_rate"],
        )  # fmt: skip
        pruned = prune.Config(
            **shared, rounds=found["prune_rounds"], epochs=found["prune_epochs"],
            learning_rate=found["prune_learning_rate"],
        )  # fmt: skip
        student = distill.Config(
            **shared, epochs=found["student_epochs"], learning_rate=found["student_learning_rate"]
        )
        assert {one.batch_size for one in (taught, pruned, student)} == {found["batch_size"]}
