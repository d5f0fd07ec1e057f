"""Teaching, term by term: what the student is compared with, and in which state the teacher is."""

import contextlib
import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import small_training
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from compress.learning import teaching
from compress.learning.augmentation import Batch, normalised
from compress.learning.features import PENULTIMATE
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.terms import bckd
from compress.learning.terms._taught import Taught
from compress.students.starting import Start, StudentOptions
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec

SPEC = small_training.SPEC
PLAIN = {"mixup": 0, "augmentation": 0, "batch_size": 4, "epochs": 1}


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """Some processors run a teacher in bfloat16."""
    monkeypatch.setattr(teaching, "_cheap_precision", lambda device: contextlib.nullcontext())


def two_layers(width: int = 4, seed: int = 0) -> nn.Module:
    """Two feature maps of their own shapes before the head; the second has `width` channels."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3, 4), nn.BatchNorm2d(5), nn.Conv2d(5, width, 3, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2),
    )  # fmt: skip


def a_batch(n: int = 6) -> Batch:
    torch.manual_seed(1)
    targets = torch.rand(n, 2).round()
    return Batch(torch.randn(n, 3, 32, 32), targets, torch.ones(n, 2))


def missed(student: Tensor, teacher: Tensor) -> float:
    """Squared error over the mean variance of the channels, with numpy."""
    mine, theirs = (x.detach().double().numpy() for x in (student, teacher))
    rest = tuple(axis for axis in range(theirs.ndim) if axis != 1)
    return float(((mine - theirs) ** 2).mean() / theirs.var(axis=rest).mean())


def by_hand(networks: tuple[nn.Module, nn.Module], batch: Batch, hard: float, t: float) -> float:
    z, q = (network(batch.inputs).detach() for network in networks)
    labels = binary_cross_entropy_with_logits(z, batch.targets)
    soft = binary_cross_entropy_with_logits(z / t, (q / t).sigmoid())
    return float(hard * labels + (1 - hard) * t * t * soft)


def observed(network: nn.Module, teacher: nn.Module, settings: Teaching) -> nn.Module:
    """Return a student that keeps its features for the terms of its settings."""
    wanted = teaching.terms_of(settings)
    return teaching._ObservedPupil(Student(network, SPEC), teacher, SPEC, wanted)


@pytest.mark.parametrize("weight", [0.7, 3.0])
def test_every_term_of_the_loss_by_hand(weight: float):
    """T = 2, two feature maps and the input of the head, all of one width."""
    teacher, network, batch = two_layers(seed=0).eval(), two_layers(seed=5).eval(), a_batch()
    settings = Teaching(temperature=2, hard_share=0.3, feature_weight=weight)
    pupil = observed(network, teacher, settings)
    assert pupil.pairing.layers == ("1", "2", "3")
    assert not [*pupil.parts.parameters()]
    found = teaching._feature_loss(pupil, teacher, settings)(pupil(batch.inputs), batch)
    features = [
        missed(network[:end](batch.inputs), teacher[:end](batch.inputs)) for end in (2, 3, 4, 5)
    ]
    wanted = by_hand((network, teacher), batch, 0.3, 2) + weight * np.mean(features)
    assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_a_narrow_student_is_compared_through_a_learnt_map():
    teacher, network, batch = two_layers(8, seed=0).eval(), two_layers(4, 5).eval(), a_batch()
    settings = Teaching(temperature=2, hard_share=0.3, feature_weight=2.0)
    pupil = observed(network, teacher, settings)
    (learnt,) = pupil.parts
    assert pupil.pairing.layers == ("1",)
    assert (learnt.in_features, learnt.out_features) == (4, 8)
    logits = pupil(batch.inputs)
    found = teaching._feature_loss(pupil, teacher, settings)(logits, batch)
    features = [
        missed(network[:2](batch.inputs), teacher[:2](batch.inputs)),
        missed(learnt(network[:5](batch.inputs)), teacher[:5](batch.inputs)),
    ]
    wanted = by_hand((network, teacher), batch, 0.3, 2) + 2 * np.mean(features)
    assert found.item() == pytest.approx(wanted, rel=1e-4)
    found.backward()
    assert learnt.weight.grad.abs().sum() > 0
    assert torch.equal(pupil.features[PENULTIMATE], network[:5](batch.inputs))


def test_labels_alone_by_hand():
    teacher, network, batch = two_layers(8).eval(), two_layers(4, 5).eval(), a_batch()
    settings = Teaching(temperature=2, hard_share=0.3, feature_weight=0)
    found = teaching._label_loss(teacher, settings)(network(batch.inputs), batch)
    assert found.item() == pytest.approx(by_hand((network, teacher), batch, 0.3, 2), rel=1e-5)


def test_annealing_gives_to_the_labels_what_the_teacher_gives_up_and_leaves_their_own_term():
    """Half-way: the teacher has half of its weight left, and `--term labels=2` all of it."""
    teacher, network = two_layers(8).eval(), two_layers(4, 5).eval()
    batch = replace(a_batch(), progress=0.5)
    settings = Teaching(hard_share=0.3, feature_weight=0, annealing=1, term=("labels=2", "bckd=4"))
    found = teaching._label_loss(teacher, settings)(network(batch.inputs), batch)
    z, q = (each(batch.inputs).detach() for each in (network, teacher))
    known = binary_cross_entropy_with_logits(z, batch.targets)
    soft = binary_cross_entropy_with_logits(z, q.sigmoid())
    far = bckd.term(Taught(z, q, batch.targets))
    wanted = (0.3 + 0.7 / 2 + 2) * known + 0.7 / 2 * soft + 4 / 2 * far
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


class Watched(nn.Module):
    """A network that notes what it sees and how."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.seen: list[Tensor] = []
        self.modes: set[tuple[bool, bool]] = set()

    def forward(self, image: Tensor) -> Tensor:
        if len(image) > 1:
            self.seen.append(image.clone())
            self.modes.add((self.network[1].training, torch.is_grad_enabled()))
        return self.network(image)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_teacher_sees_what_the_student_sees_and_stays_as_it_is(tmp_path, weight: float):
    teacher, student = Watched(two_layers(8)), Watched(two_layers(4, 5))
    teacher.train()
    before = copy.deepcopy(teacher.state_dict())
    settings = Teaching(
        feature_weight=weight, **(PLAIN | {"mixup": 1, "mixup_probability": 1, "augmentation": 1})
    )
    teach(Student(student, SPEC), teacher, small_training.images(8), settings, tmp_path)
    assert len(teacher.seen) == len(student.seen) == 2
    assert all(torch.equal(*pair) for pair in zip(teacher.seen, student.seen, strict=True))
    assert teacher.modes == {(False, False)}
    assert student.modes == {(True, True)}
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_student_that_is_returned_is_the_average(tmp_path, weight: float):
    settings = Teaching(feature_weight=weight, ema_share=0.9, **(PLAIN | {"epochs": 3}))
    student, teacher = Student(two_layers(4, 5), SPEC), two_layers(8)
    taught = teach(student, teacher, small_training.images(8), settings, tmp_path).network
    stored = torch.load(tmp_path / "training.pt", weights_only=True)
    for name, value in taught.state_dict().items():
        assert torch.equal(value, stored["average"][f"network.{name}"]), name
    assert not torch.equal(taught[0].weight, stored["network"]["network.0.weight"])
    assert not any(layer.training for layer in taught.modules())


def test_the_weight_of_features_changes_what_is_learnt(tmp_path):
    found = []
    for weight in (0.5, 5.0):
        (tmp_path / str(weight)).mkdir()
        settings = Teaching(feature_weight=weight, learning_rate=0.02, **PLAIN)
        student = Student(two_layers(4, 5), SPEC)
        images = small_training.images(8)
        taught = teach(student, two_layers(8), images, settings, tmp_path / str(weight)).network
        found.append(taught[0].weight)
    assert not torch.allclose(*found, atol=1e-4)


def test_a_student_of_another_size_sees_the_same_images_resized(tmp_path):
    teacher, student = Watched(two_layers(8)), Watched(two_layers(4, 5))
    small = ImageSpec(height=16, width=16)
    settings = Teaching(feature_weight=0, **PLAIN)
    teach(Student(student, small), teacher, small_training.images(8), settings, tmp_path)
    for mine, theirs in zip(student.seen, teacher.seen, strict=True):
        assert theirs.shape[-2:] == (32, 32)
        wanted = interpolate(theirs, (16, 16), mode="bilinear", antialias=True)
        torch.testing.assert_close(mine, wanted)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_a_student_of_one_channel_sees_the_grey_of_the_teachers_images(tmp_path, weight: float):
    teacher, network = Watched(two_layers(8)), two_layers(4, 5)
    network[0] = nn.Conv2d(1, 5, 3, 4)
    student, images = Watched(network), small_training.images(8)
    settings = Teaching(feature_weight=weight, **PLAIN)
    grey = SPEC.in_channels(1)
    teach(Student(student, grey), teacher, images, settings, tmp_path)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (SPEC.mean, SPEC.std))
    for mine, theirs in zip(student.seen, teacher.seen, strict=True):
        colours = (theirs * std + mean) * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)
        wanted = (colours.sum(1, keepdim=True) - 0.459) / 0.226
        assert mine.shape == wanted.shape
        assert torch.allclose(mine, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("teacher", "student", "asked", "channels"),
    [(3, 3, None, 3), (3, 1, None, 1), (1, 1, None, 1), (1, 3, None, None), (3, 1, 3, None),
     (3, 3, 1, None)],
)  # fmt: skip
def test_the_channels_of_a_student_that_is_an_artifact(teacher, student, asked, channels):
    own = SPEC.in_channels(student)
    artifact = SimpleNamespace(manifest=SimpleNamespace(image=own))
    options = StudentOptions(channels=asked, image_size=48)
    start = Start(options, artifact, SPEC.in_channels(teacher))
    if channels is None:
        with pytest.raises(UserError, match=f"{student} of the student, {teacher} of the teacher"):
            _ = start.spec
        return
    found = start.spec
    assert (found.shape, found.mean) == ((channels, 48, 48), own.mean)


@pytest.mark.parametrize(
    ("name", "teacher", "asked", "channels"),
    [("tiny_network:build", 3, None, 3), ("tiny_network:build", 1, None, 1),
     ("tiny_network:build", 3, 1, 1), ("tiny_network:grey", 3, None, 1)],
)  # fmt: skip
def test_the_channels_of_a_student_by_name(name: str, teacher, asked, channels: int):
    options = StudentOptions(student=name, channels=asked)
    start = Start(options, None, SPEC.in_channels(teacher))
    assert start.spec == SPEC.in_channels(channels)
    network = start.network(labels=("a", "b"))
    assert network.eval()(torch.zeros(1, *start.spec.shape)).shape == (1, 2)


def test_a_student_of_another_normalisation_sees_the_same_pixels():
    own = SPEC.model_copy(update={"mean": (0.0,) * 3, "std": (1 / 255,) * 3})
    pixels = torch.rand(2, 3, 32, 32)
    seen = normalised(pixels * 255, SPEC)
    torch.testing.assert_close(teaching.as_taken(seen, SPEC, own), pixels * 255)
    assert teaching.as_taken(seen, SPEC, SPEC) is seen


def test_a_student_learns_from_unlabelled_images(tmp_path):
    """Nothing is known of any image, and the teacher's probabilities are learnt all the same."""
    images = small_training.images(8)
    images.targets[:] = np.nan
    teacher = two_layers(8).eval()
    with torch.no_grad():
        teacher[-1].weight.mul_(4)
    settings = Teaching(
        feature_weight=0, learning_rate=0.05, hard_share=0.5, **(PLAIN | {"epochs": 25})
    )
    inputs = normalised(torch.from_numpy(images.pixels).permute(0, 3, 1, 2), SPEC)
    with torch.no_grad():
        before = (two_layers(4, 5).eval()(inputs) - teacher(inputs)).square().mean()
    taught = teach(Student(two_layers(4, 5), SPEC), teacher, images, settings, tmp_path).network
    with torch.no_grad():
        after = (taught(inputs) - teacher(inputs)).square().mean()
    assert after < 0.5 * before


def test_a_teacher_of_another_width_is_refused(tmp_path):
    wide = two_layers(8)
    wide[-1] = nn.Linear(8, 1)
    settings = Teaching(feature_weight=0, **PLAIN)
    with pytest.raises(UserError, match="one logit per label"):
        teach(Student(two_layers(), SPEC), wide, small_training.images(8), settings, tmp_path)
