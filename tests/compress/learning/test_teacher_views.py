"""A teacher's stored answers: the same as its own, of nobody else, and no need to have them."""

import copy
import errno
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning import teaching
from compress.learning.augmentation import blended_logits, mixup, normalised
from compress.learning.loading import TrainingImages, training_loader
from compress.learning.options import Training
from compress.learning.teachers.exported import OnnxTeacher
from compress.learning.teaching import Student, Teaching, teach, terms_of
from compress.learning.training import Fitted
from compress.learning.views import storing
from compress.learning.views.identity import teacher_content
from compress.learning.views.options import ViewOptions, check_patience, chosen, longer
from compress.learning.views.replay import Replay
from compress.learning.views.storing import Teacher, replayed
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec

IMAGES, LABELS, BATCH = 10, 2, 4
SETTINGS = {
    "batch_size": BATCH, "epochs": 3, "teacher_views": 2, "feature_weight": 0, "mixup": 1.0,
    "mixup_probability": 0.7,
}  # fmt: skip
DRAWS = Training(batch_size=BATCH)


class Counted(nn.Module):
    """A teacher that counts the batches that it sees, and is killed at one of them."""

    def __init__(self, killed_at: int = -1) -> None:
        super().__init__()
        self.network = small_training.network(seed=3).eval()
        with torch.no_grad():
            self.network[-1].weight.mul_(4)
        self.seen, self.killed_at, self.factor = 0, killed_at, 1.0

    def forward(self, images: Tensor) -> Tensor:
        if self.seen == self.killed_at:
            raise KeyboardInterrupt
        self.seen += 1
        assert len(images) == BATCH or len(images) == 1, "full batches, or a blank image"
        return self.factor * self.network(images)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEPRESS_CACHE", str(folder))
    return folder


def some_images(views: tuple[str, ...] = ("identity", "rot90"), seed: int = 0) -> TrainingImages:
    return replace(small_training.images(IMAGES, LABELS, seed), views=views)


def asked(teacher: nn.Module) -> Teacher:
    return Teacher(teacher, lambda images: teaching._seen(teacher, images), lambda: 0)


def replay_of(
    teacher: nn.Module, images: TrainingImages, draws: Training = DRAWS, views: int = 2
) -> Replay:
    shown, _ = replayed(images, asked(teacher.eval()), draws, views)
    assert shown.replay is not None
    return shown.replay


def taught(
    folder: Path, teacher: nn.Module, images: TrainingImages | None = None, **settings: object
) -> Fitted:
    folder.mkdir()
    options = longer(Teaching(**(SETTINGS | settings)))
    student = Student(small_training.network(seed=5), small_training.SPEC)
    return teach(student, teacher, images or some_images(), options, folder)


def stored(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.npy")) if cache.exists() else []


def same(one: Fitted, other: Fitted) -> bool:
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


def full_disk(monkeypatch: pytest.MonkeyPatch, views_that_fit: int) -> None:
    original, written = storing._write, []

    def write(work, number: int, path: Path) -> None:
        if len(written) == views_that_fit:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(number)
        original(work, number, path)

    monkeypatch.setattr(storing, "_write", write)


def test_stored_answers_are_the_live_teachers_to_the_last_bit(cache):
    """Of other batches than those that were stored: same pixels, same fp16 logits."""
    teacher, images = Counted().eval(), some_images()
    replay = replay_of(teacher, images)
    live = replace(replay, files=())
    assert [file.name for file in stored(cache)] == ["0.npy", "1.npy"]
    assert {file.stat().st_size for file in stored(cache)} == {128 + IMAGES * LABELS * 2 + 20}
    assert isinstance(replay.view(0).stored, np.memmap)
    for epoch in range(4):
        view, again = replay.view(epoch), live.view(epoch)
        loader = training_loader(images, BATCH, torch.Generator().manual_seed(epoch))
        for item in loader:
            shown = view.shown(item)
            assert torch.equal(shown.pixels, again.shown(item).pixels)
            assert not torch.equal(shown.pixels, item.pixels)
            inputs = normalised(shown.pixels, images.spec)
            before = teacher.seen
            found = view.logits(shown, inputs)
            assert teacher.seen == before
            assert torch.equal(found, teaching._seen(teacher, inputs).half().float())
            assert torch.equal(found, again.logits(shown, inputs))


def test_every_image_and_view_has_draws_of_its_own(cache):
    replay = replay_of(Counted(), some_images())
    first, second = replay.changes(0), replay.changes(1)
    assert len(torch.unique(torch.cat([first.places, second.places]), dim=0)) == 2 * IMAGES
    assert len(torch.unique(torch.cat([first.light, second.light], dim=1)[0])) == 2 * IMAGES
    assert torch.equal(replay.view(3).changes.places, second.places), "views come in turn"
    other = replace(replay, seed=1)
    assert not torch.equal(other.changes(0).places, first.places)
    assert torch.equal(first.of(torch.tensor([7, 2])).places, first.places[[7, 2]])
    assert torch.equal(first.of(torch.tensor([7, 2])).light, first.light[:, [7, 2]])


def test_a_training_is_the_same_with_and_without_its_stored_answers(tmp_path, cache, monkeypatch):
    teachers = [Counted() for _ in range(4)]
    first = taught(tmp_path / "first", teachers[0])
    assert teachers[0].seen == 2 * 3, "two views of ten images, in batches of four"
    again = taught(tmp_path / "again", teachers[1])
    assert teachers[1].seen == 1, "one batch, whether the answers are this teacher's"
    assert (first.teacher_views.views, first.teacher_views.stored) == (2, 2)
    assert first.teacher_views.bytes == 2 * IMAGES * LABELS * 2
    assert first.teacher_views.seconds > 0
    for views_that_fit in (0, 1):
        monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / f"full{views_that_fit}"))
        full_disk(monkeypatch, views_that_fit)
        live = taught(tmp_path / f"live{views_that_fit}", teachers[2 + views_that_fit])
        assert live.teacher_views.stored == views_that_fit
        assert same(first, live)
        monkeypatch.undo()
    assert same(first, again)
    other = taught(tmp_path / "other", Counted(), teacher_views=3)
    assert not same(first, other)


@pytest.mark.parametrize("views_that_fit", [0, 1])
def test_a_full_disk_is_one_warning(tmp_path, cache, monkeypatch, capfd, views_that_fit: int):
    full_disk(monkeypatch, views_that_fit)
    teacher = Counted()
    fitted = taught(tmp_path / "run", teacher)
    told = capfd.readouterr().err
    assert told.count("warning:") == 1
    assert "cannot all be stored (No space left on device)" in told
    assert fitted.teacher_views.bytes == views_that_fit * IMAGES * LABELS * 2
    assert len(stored(cache)) == views_that_fit
    assert not [file for file in cache.rglob("*") if "draft" in file.name]
    # Three epochs of two steps show the views 0, 1, 0.
    assert teacher.seen == {0: 6, 1: 3 + 2}[views_that_fit]


def test_who_was_killed_goes_on_with_the_next_view(tmp_path, cache):
    with pytest.raises(KeyboardInterrupt):
        replay_of(Counted(killed_at=7), some_images(), views=4)  # three batches make a view
    assert [file.name for file in stored(cache)] == ["0.npy", "1.npy"]
    before = [file.stat().st_mtime_ns for file in stored(cache)]
    teacher = Counted()
    resumed = replay_of(teacher, some_images(), views=4)
    assert teacher.seen == 1 + 2 * 3
    assert [file.stat().st_mtime_ns for file in stored(cache)[:2]] == before
    assert len(resumed.files) == 4
    assert not [file for file in cache.rglob("*") if "draft" in file.name]


def test_a_damaged_file_is_made_again(cache, capfd):
    replay = replay_of(Counted(), some_images())
    content = replay.files[1].read_bytes()
    replay.files[1].write_bytes(content[:-30] + bytes(30))
    teacher = Counted()
    replay_of(teacher, some_images())
    assert teacher.seen == 1 + 3
    assert replay.files[1].read_bytes() == content
    assert "damaged and made again" in capfd.readouterr().err


def other_weights(teacher: Counted) -> None:
    with torch.no_grad():
        teacher.network[0].weight[0, 0, 0, 0] += 1e-6


def other_layers(teacher: Counted) -> None:
    teacher.network[2] = nn.ReLU6()


CHANGES = {
    "weights": lambda asks: other_weights(asks["teacher"]),
    "layers": lambda asks: other_layers(asks["teacher"]),
    "pixels": lambda asks: asks["images"].pixels.__setitem__((0, 0, 0, 0), 255 - PIXEL),
    "rows": lambda asks: asks.update(images=replace(asks["images"], rows=np.arange(IMAGES)[::-1])),
    "spec": lambda asks: asks.update(
        images=replace(asks["images"], spec=ImageSpec(height=32, width=32, mean=(0.1, 0.2, 0.3)))
    ),
    "views": lambda asks: asks.update(images=replace(asks["images"], views=("identity",))),
    "strength": lambda asks: asks.update(draws=Training(batch_size=BATCH, augmentation=0.9)),
    "seed": lambda asks: asks.update(draws=Training(batch_size=BATCH, seed=1)),
    "batch": lambda asks: asks.update(draws=Training(batch_size=2)),
}
PIXEL = int(some_images().pixels[0, 0, 0, 0])


@pytest.mark.parametrize("what", [*CHANGES, None])
def test_answers_of_another_teacher_or_to_other_views_are_not_used(cache, monkeypatch, what):
    monkeypatch.setattr(Counted, "forward", lambda self, images: self.network(images))
    first = replay_of(Counted(), some_images())
    asks = {"teacher": Counted(), "images": some_images(), "draws": DRAWS}
    if what is not None:
        CHANGES[what](asks)
    found = replay_of(**asks)
    assert (found.files[0].parent == first.files[0].parent) == (what is None)


def test_more_views_go_on_from_fewer(cache):
    first = replay_of(Counted(), some_images())
    teacher = Counted()
    more = replay_of(teacher, some_images(), views=3)
    assert more.files[:2] == first.files
    assert teacher.seen == 1 + 3
    fewer = replay_of(Counted(), some_images(), views=1)
    assert fewer.files == first.files[:1]


def test_a_teacher_whose_code_has_changed_is_asked_again(cache, capfd):
    """Its weights and layers are the same, and their file too."""
    first = replay_of(Counted(), some_images())
    teacher = Counted()
    teacher.factor = 1.5
    found = replay_of(teacher, some_images())
    assert "those of another teacher" in capfd.readouterr().err
    assert found.files == first.files
    images = some_images()
    item = next(iter(training_loader(images, BATCH, torch.Generator())))
    shown = found.view(1).shown(item)
    live = teacher(normalised(shown.pixels, images.spec))
    np.testing.assert_allclose(found.view(1).logits(shown, shown.pixels), live.detach(), rtol=0.02)


def test_an_onnx_teacher_is_known_by_its_file(tmp_path):
    found = []
    for content, slope in ((b"one", 1.0), (b"two", 1.0), (b"one", 2.0), (b"one", 1.0)):
        teacher = OnnxTeacher.__new__(OnnxTeacher)
        nn.Module.__init__(teacher)
        (tmp_path / "model.onnx").write_bytes(content)
        teacher._artifact = SimpleNamespace(weights=tmp_path / "model.onnx")
        teacher._slope, teacher._offset = torch.tensor([slope]), torch.tensor([0.0])
        found.append(teacher_content(teacher))
    assert len(set(found)) == 3
    assert found[0] == found[3]


def test_probabilities_are_mixed_as_targets_are():
    torch.manual_seed(0)
    logits = torch.randn(6, 3) * 4
    inputs = torch.arange(6.0).view(6, 1, 1, 1)
    batch = mixup(inputs, logits.sigmoid(), 1.0, 1.0, logits)
    assert batch.teacher_logits is not None
    assert not torch.equal(batch.inputs, inputs)
    torch.testing.assert_close(batch.teacher_logits.sigmoid(), batch.targets)
    weight = float(batch.inputs[0, 0, 0, 0] / -5 + 1)  # of 0 and 5
    probs = weight * logits[0].sigmoid() + (1 - weight) * logits[5].sigmoid()
    torch.testing.assert_close(batch.teacher_logits[0], probs.logit(), rtol=1e-4, atol=1e-4)
    alone = mixup(inputs, logits.sigmoid(), 0.0, 1.0, logits)
    assert alone.teacher_logits is logits


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_mixed_probabilities_have_finite_logits(weight: float):
    logits = torch.tensor([[65504.0, -65504.0, 200.0, 0.5], [65504.0, 65504.0, 200.0, 0.5]])
    found = blended_logits(logits, weight)
    assert found.isfinite().all()
    torch.testing.assert_close(found[0, [0, 2, 3]], logits[0, [0, 2, 3]])
    wanted = {0.0: 65504.0, 0.3: float(torch.tensor(0.7).logit()), 1.0: -65504.0}[weight]
    assert found[0, 1].item() == pytest.approx(wanted, rel=1e-4)


def test_too_large_logits_are_stored_as_the_largest_of_fp16():
    found = storing.stored_logits(torch.tensor([1e6, -1e6, 1 + 2**-12]))
    assert found.tolist() == [65504.0, -65504.0, 1.0]


def test_features_run_the_teacher_live_and_say_what_storing_would_cost(tmp_path, cache, capfd):
    """The two networks share no layer's name, so these are the four values before the head."""
    live = taught(tmp_path / "live", Counted(), teacher_views=0, feature_weight=2.0)
    assert "would take" not in capfd.readouterr().err
    teacher = Counted()
    found = taught(tmp_path / "views", teacher, feature_weight=2.0)
    told = capfd.readouterr().err
    assert "the teacher runs in every step" in told
    names = [line for line in told.splitlines() if "would take" in line]
    assert names[0].endswith("its features of 2 views would take 160 B")  # the four means alone
    assert (stored(cache), found.teacher_views) == ([], None)
    assert same(live, found)


def test_without_a_term_of_the_teacher_nothing_is_stored(tmp_path, cache):
    teacher = Counted()
    found = taught(tmp_path / "run", teacher, hard_share=1.0)
    assert (teacher.seen, stored(cache), found.teacher_views) == (0, [], None)


def test_patience_makes_the_schedule_longer_and_the_answers_stay(tmp_path, cache, capfd):
    teacher = Counted()
    taught(tmp_path / "run", teacher, patience=2.5, epochs=2)
    assert teacher.seen == 2 * 3
    assert "epoch 5/5" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("settings", "refused"),
    [({"patience": 2}, None), ({"patience": 2, "teacher_views": 0}, "--teacher-views 0"),
     ({"patience": 2, "feature_weight": 1.0}, "a loss with the teacher's features"),
     ({"patience": 2, "term": ("relational=1",)}, "a loss with the teacher's features"),
     ({"patience": 1, "feature_weight": 1.0}, None),
     ({"patience": 2, "teacher_views": 0, "hard_share": 1.0}, None)],
)  # fmt: skip
def test_patience_is_for_stored_answers(settings, refused: str | None):
    options = Teaching(**(SETTINGS | settings))
    if refused is None:
        assert check_patience(options, terms_of(options)) is None
    else:
        with pytest.raises(UserError, match=refused) as error:
            check_patience(options, terms_of(options))
        assert "--teacher-views auto" in str(error.value)
        assert ("--method soft-labels" in str(error.value)) == ("features" in refused)


@pytest.mark.parametrize(
    ("views", "mb", "epochs", "wanted"),
    [("auto", 1.0, 1000, 50), ("auto", 0.1, 1000, 9), ("auto", 0.01, 1000, 0), ("auto", 1.0, 7, 7),
     (120, 0.01, 1000, 120), (120, 1.0, 30, 30), (0, 1.0, 30, 0)],
)  # fmt: skip
def test_views_are_chosen_from_a_limit(views, mb: float, epochs: int, wanted: int):
    """1,312 images with 4 labels take 10,496 bytes a view."""
    options = ViewOptions(teacher_views=views, teacher_views_mb=mb, epochs=epochs)
    assert chosen(options, 1312 * 4 * 2) == wanted


@pytest.mark.parametrize("given", [{"teacher_views": -1}, {"teacher_views": 10_001},
                                   {"teacher_views": "all"}, {"patience": 0.5},
                                   {"teacher_views_mb": 0}])  # fmt: skip
def test_options_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        ViewOptions(**given)


def test_a_limit_that_holds_no_view_is_said(tmp_path, cache, capfd):
    taught(tmp_path / "run", Counted(), teacher_views="auto", teacher_views_mb=1e-9)
    assert "more than --teacher-views-mb: the teacher runs" in capfd.readouterr().err


def test_a_size_is_said_before_the_work(tmp_path, cache, capfd):
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "run", Counted(killed_at=0))
    assert "2 views x 10 images x 2 labels, 80 B" in capfd.readouterr().err


def test_unlabelled_images_are_learnt_from_stored_answers(tmp_path, cache):
    images = some_images(("identity",))
    images.targets[:] = np.nan
    teacher = Counted().eval()
    inputs = normalised(torch.from_numpy(images.pixels).permute(0, 3, 1, 2), images.spec)
    with torch.no_grad():
        wanted = teacher.network(inputs)
        before = (small_training.network(seed=5).eval()(inputs) - wanted).square().mean()
    settings = {"epochs": 30, "learning_rate": 0.05, "hard_share": 0.5, "mixup": 0}
    found = taught(tmp_path / "run", teacher, images, **settings)
    assert teacher.seen == 2 * 3
    with torch.no_grad():
        after = (found.network(inputs) - wanted).square().mean()
    assert after < 0.5 * before


def test_a_student_of_another_size_learns_from_them_too(tmp_path, cache):
    student = Student(small_training.network(seed=5), ImageSpec(height=16, width=16))
    start = copy.deepcopy(student.network.state_dict())
    teacher = Counted()
    found = teach(student, teacher, some_images(), Teaching(**SETTINGS), tmp_path)
    assert teacher.seen == 2 * 3
    assert not torch.equal(found.network.state_dict()["0.weight"], start["0.weight"])


def test_grey_images_are_stored_and_shown_as_one_channel(cache):
    grey = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 1), dtype=np.uint8)
    pixels = np.broadcast_to(grey, (IMAGES, 32, 32, 3))
    targets = np.zeros((IMAGES, LABELS), np.float32)
    images = TrainingImages(pixels, targets, ("identity",), small_training.SPEC)
    replay = replay_of(Counted(), images)
    item = next(iter(training_loader(images, BATCH, torch.Generator())))
    assert replay.view(0).shown(item).pixels.shape == (BATCH, 1, 32, 32)
    assert len(replay.files) == 2


def test_a_teacher_of_another_width_is_refused_and_leaves_nothing(tmp_path, cache):
    teacher = Counted()
    teacher.network[-1] = nn.Linear(4, 3)
    with pytest.raises(UserError, match="one logit per label"):
        taught(tmp_path / "run", teacher)
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_fewer_images_than_a_batch_are_refused(tmp_path, cache):
    with pytest.raises(UserError, match="fewer training images than one batch"):
        taught(tmp_path / "run", Counted(), batch_size=11)
    assert not stored(cache)
