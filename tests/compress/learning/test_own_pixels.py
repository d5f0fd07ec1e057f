"""A student of another size than its teacher's: each sees the pixels that it is used with."""

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import small_training
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from compress.learning import teaching, training_data
from compress.learning.augmentation import Item, normalised
from compress.learning.loading import Rows, Taken, TrainingImages
from compress.learning.racing import race
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training import Fitted
from compress.learning.training_data import lesson_images
from compress.learning.views import storing
from compress.learning.views.replay import View
from compress.learning.views.storing import Teacher
from edgepress.core.image_spec import ImageSpec
from edgepress.data import pixels, views
from edgepress.data.dataset import open_data

TEACHERS = small_training.SPEC
PLAIN = {"mixup": 0, "augmentation": 0, "batch_size": 4, "epochs": 1, "feature_weight": 0}


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """Some processors run a teacher in bfloat16."""
    monkeypatch.setattr(teaching, "_cheap_precision", lambda device: contextlib.nullcontext())


class Watched(nn.Module):
    """A network that notes what it sees in batches."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.network = small_training.network(seed=seed)
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        if len(image) > 1:
            self.seen.append(image.clone())
        return self.network(image)


def square(side: int) -> ImageSpec:
    return ImageSpec(height=side, width=side)


def images(side: int, own: np.ndarray, theirs: np.ndarray, view_names=("identity",)):
    targets = (np.random.default_rng(0).random((len(own), 2)) < 0.5).astype(np.float32)
    taken = Taken(theirs, TEACHERS)
    return TrainingImages(own, targets, view_names, square(side), teachers=taken)


def noise(n: int, side: int, seed: int) -> np.ndarray:
    shape = (n, side, side, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(n: int, side: int) -> np.ndarray:
    """Return waves of a few pixels at least, `[n, side, side, 3]`, in any size the same scene."""
    at = (np.arange(side) + 0.5) / side
    phases = np.random.default_rng(0).uniform(0, 6, (n, 3, 2))
    waves = np.sin(5 * at[:, None, None] + phases[:, None, None, :, 0]) + np.sin(
        4 * at[None, :, None] + phases[:, None, None, :, 1]
    )
    return (128 + 60 * waves).round().astype(np.uint8)


def shown(network: Watched, raw: np.ndarray, spec: ImageSpec) -> list[int]:
    """Return which of the images a network has seen, to the last bit, in its order."""
    inputs = normalised(torch.from_numpy(raw).permute(0, 3, 1, 2), spec)
    return [
        [torch.equal(one, image) for image in inputs].index(True) for one in torch.cat(network.seen)
    ]


@pytest.mark.parametrize("weight", [0, 2])
@pytest.mark.parametrize("side", [16, 48])
def test_both_see_their_own_pixels(tmp_path: Path, side: int, weight: float):
    """A smaller student and a larger one; noise, of which nobody makes the other size."""
    own, theirs = noise(8, side, 1), noise(8, 32, 2)
    student, teacher = Watched(5), Watched(0)
    settings = Teaching(**(PLAIN | {"feature_weight": weight}))
    given = images(side, own, theirs)
    teach(Student(student, square(side)), teacher, given, settings, tmp_path)
    order = shown(student, own, square(side))
    assert order == shown(teacher, theirs, TEACHERS), "the same images together"
    assert sorted(order) == list(range(8))


@pytest.mark.parametrize("side", [64, 96])
def test_both_see_the_same_changes_and_mixtures(tmp_path: Path, side: int):
    """Of a smooth scene in two sizes: the means of the larger one are the smaller one."""
    student, teacher = Watched(5), Watched(0)
    settings = Teaching(
        **(PLAIN | {"augmentation": 1, "mixup": 1, "mixup_probability": 1, "epochs": 3})
    )
    given = images(side, smooth(8, side), smooth(8, 32), views.DIHEDRAL)
    teach(Student(student, square(side)), teacher, given, settings, tmp_path)
    inner = (..., slice(4, -4), slice(4, -4))  # at the edge black comes in
    assert len(student.seen) == len(teacher.seen) == 6
    for mine, theirs in zip(student.seen, teacher.seen, strict=True):
        off = (adaptive_avg_pool2d(mine, 32) - theirs)[inner].abs()
        assert off.mean() < 0.02
        assert (mine.roll(1, 0) - mine)[inner].abs().mean() > 0.2, "other images would be far off"


def test_a_teacher_that_is_not_asked_costs_nothing(tmp_path: Path):
    """Its pixels are not read: there are none beyond the first image."""
    student, teacher = Watched(5), Watched(0)
    given = images(48, noise(8, 48, 1), noise(1, 32, 2))
    settings = Teaching(**(PLAIN | {"hard_share": 1}))
    teach(Student(student, square(48)), teacher, given, settings, tmp_path)
    assert [seen.shape[-1] for seen in student.seen] == [48, 48]
    assert teacher.seen == []


def test_a_control_sees_what_its_student_sees(tmp_path: Path):
    given = images(48, noise(8, 48, 1), noise(8, 32, 2))
    seen = []
    for share in (0.5, 1.0):
        student = Watched(5)
        folder = tmp_path / str(share)
        folder.mkdir()
        settings = Teaching(**(PLAIN | {"augmentation": 1, "mixup": 1, "hard_share": share}))
        teach(Student(student, square(48)), Watched(0), given, settings, folder)
        seen.append(torch.cat(student.seen))
    assert torch.equal(*seen)


def test_stored_answers_are_to_the_teachers_own_pixels(tmp_path: Path, monkeypatch):
    """The student is the same where the answers are stored and where the teacher is asked."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    given = images(48, noise(8, 48, 1), noise(8, 32, 2))
    settings = Teaching(**(PLAIN | {"augmentation": 1, "teacher_views": 2, "epochs": 2}))
    found: list[Fitted] = []
    for stored in (True, False):
        if not stored:
            monkeypatch.setattr(storing, "_stored", lambda work, network: iter(()))
        folder = tmp_path / str(stored)
        folder.mkdir()
        teacher = Watched(0)
        found.append(teach(Student(Watched(5), square(48)), teacher, given, settings, folder))
        assert {seen.shape[-1] for seen in teacher.seen} == {32}
        assert len(teacher.seen) == 4
    ours, theirs = (one.network.state_dict() for one in found)
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert (found[0].teacher_views.stored, found[1].teacher_views.stored) == (2, 0)


def written(tmp_path: Path) -> Path:
    return small_training.write(tmp_path / "data", lambda row: (row % 2, row // 2 % 2))


@pytest.mark.parametrize("size", [40, 48])
def test_a_command_decodes_for_the_student_and_for_its_teacher(
    tmp_path: Path, command, monkeypatch, size: int
):
    """From the files of 32 pixels straight to each size, as when the student is used."""
    data, net = written(tmp_path), tmp_path / "net"
    fast = [*small_training.FAST]
    fast[fast.index("--image-size") + 1] = 44
    done = command("compress.train", *fast, "--data", data, "--out", net, "--epochs", 0)
    assert done.code == 0, done.err
    asked: list[TrainingImages] = []

    def teach(student, teacher, images, settings, scratch) -> Fitted:
        asked.append(images)
        return Fitted(student.network.eval(), None)

    monkeypatch.setattr(race, "teach", teach)
    done = command(
        "compress.distill", "--teacher", net, "--student", "tiny_network:build", "--data", data,
        "--out", tmp_path / "student", "--image-size", size, "--method", "soft-labels",
        "--epochs", 1, "--batch-size", 8, "--gate", "params <= 1e9",
    )  # fmt: skip
    assert done.code == 0, done.err
    (given,) = asked
    dataset = open_data(str(data))
    for pixels_, side in ((given.pixels, size), (given.teachers.pixels, 44)):
        assert np.array_equal(pixels_, pixels.decoded(dataset, square(side)))
    assert given.spec == square(size)
    assert given.teachers.spec == square(44)


def test_networks_that_are_only_normalised_otherwise_share_their_pixels(monkeypatch):
    shared = small_training.images(4)
    monkeypatch.setattr(training_data, "training_images", lambda context, soft: shared)
    other = TEACHERS.model_copy(update={"mean": (0.0,) * 3})
    assert lesson_images(SimpleNamespace(spec=TEACHERS), other) is shared


def live_logits(view: View, item: Item) -> Tensor:
    """Return what the teacher says of a changed batch as it takes it."""
    return replace(view, stored=None).logits(item, normalised(item.teachers, TEACHERS))


def test_a_view_whose_answers_are_stored_does_not_change_the_teachers_pixels(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    given = images(48, noise(8, 48, 1), noise(8, 32, 2))
    settings, teacher = Teaching(**(PLAIN | {"augmentation": 1})), Watched(0).eval()
    asked = Teacher(teacher, lambda inputs: teaching._seen(teacher, inputs), lambda: 0)
    shown, _ = storing.replayed(given, asked, settings, 1)
    view, item = shown.replay.view(0), Rows(given).__getitems__([3, 1])
    assert view.shown(item).teachers is None
    live = replace(view, stored=None).shown(item)
    assert live.teachers.shape == (2, 3, 32, 32)
    answers = view.logits(item, torch.zeros(0))
    assert torch.equal(answers, live_logits(view, live))
