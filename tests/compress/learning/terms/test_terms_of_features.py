"""Terms that look into both networks: by hand, against other libraries, and what leaves them."""

import contextlib
import math
from dataclasses import replace

import numpy as np
import pytest
import small_training
import torch
from scipy.spatial.distance import pdist
from scipy.special import huber
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning import teaching
from compress.learning.augmentation import Batch
from compress.learning.features import PENULTIMATE, pair
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.terms import attention_transfer, feature_maps, relational
from compress.learning.terms._taught import Taught
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.stored import load_network

BARE = Taught(*(torch.zeros(0, 2),) * 3)


def relations(ours: Tensor, theirs: Tensor) -> Tensor:
    features, others = ({PENULTIMATE: each} for each in (ours, theirs))
    return relational.term(replace(BARE, features=features, teacher_features=others))


def attention(*pairs: tuple[Tensor, Tensor]) -> Tensor:
    return attention_transfer.term(replace(BARE, maps=pairs))


def draw(*shape: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=rng)


def gradient_of(worth, ours: Tensor) -> Tensor:
    ours = ours.clone().requires_grad_()
    worth(ours).backward()
    assert ours.grad is not None
    return ours.grad


def test_relations_by_hand():
    """Images at 0, 1 and 3 on a line, distances 1, 3 and 2; to the teacher all are alike."""
    line, corners = torch.tensor([[0.0], [1.0], [3.0]]), torch.eye(3)
    assert relations(line, corners).item() == pytest.approx((0.5 * 0.5**2 * 2 + 0) / 3)


def test_far_relations_count_by_their_distance_and_not_its_square():
    """One of five images apart: 4 of 10 distances are 2.5 of the mean, and the others are 0."""
    apart = torch.zeros(5, 2)
    apart[4] = 7.0
    assert relations(apart, torch.eye(5)).item() == pytest.approx((4 * (1.5 - 0.5) + 6 * 0.5) / 10)


def test_relations_against_scipy():
    ours, theirs = draw(9, 4), draw(9, 6, seed=1)
    shares = [d / d.mean() for d in (pdist(ours.numpy()), pdist(theirs.numpy()))]
    wanted = huber(1, shares[0] - shares[1]).mean()
    assert relations(ours, theirs).item() == pytest.approx(wanted, rel=1e-5)


def test_relations_leave_turn_place_and_scale_free():
    theirs = draw(9, 4)
    turn, _ = torch.linalg.qr(draw(4, 4, seed=1))
    assert relations(5 * theirs @ turn + 3, theirs).item() == pytest.approx(0, abs=1e-9)
    assert relations(theirs * torch.tensor([9.0, 1.0, 1.0, 1.0]), theirs) > 0.01


@pytest.mark.parametrize("n", [1, 2, 3, 8])
@pytest.mark.parametrize("scale", [0.0, 1e-9, 1.0, 1e9])
def test_relations_and_their_gradients_are_finite(n: int, scale: float):
    """Also of images that are alike, and of one; two have one distance, which is their mean."""
    theirs, ours = draw(n, 6, seed=1), scale * draw(n, 4)
    for other in (theirs, torch.zeros(n, 6)):
        assert relations(ours, other).isfinite()
        gradient = gradient_of(lambda x, other=other: relations(x, other), ours)
        assert gradient.abs().max() < 1e5
    if n == 1 or (n == 2 and scale >= 1):
        assert relations(ours, theirs) < 1e-9


def test_attention_by_hand():
    """Energies 9 and 16 of one channel, 1 and 1 of two; of the second pair they are the same."""
    ours, theirs = torch.tensor([[[[3.0, -4.0]]]]), torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    wanted = 2 - 2 * (9 + 16) / math.sqrt((81 + 256) * 2)
    assert attention((ours, theirs)).item() == pytest.approx(wanted, rel=1e-5)
    assert attention((ours, theirs), (ours, ours)).item() == pytest.approx(wanted / 2, rel=1e-5)


def test_attention_of_two_sizes_by_hand():
    """Energies 1, 3, 4, 4 of 1 x 4 places are 2 and 4 of two; of 2 x 1 and 1 x 2 one is left."""
    ours = torch.tensor([1.0, 3.0, 4.0, 4.0]).sqrt().view(1, 1, 1, 4)
    theirs = torch.tensor([1.0, 2.0]).sqrt().view(1, 1, 1, 2)
    assert attention((ours, theirs)).item() == pytest.approx(0, abs=1e-6)
    assert attention((theirs, ours)).item() == pytest.approx(0, abs=1e-6)
    assert attention((theirs, theirs.transpose(2, 3))).item() == pytest.approx(0, abs=1e-6)


def test_attention_against_numpy():
    ours, theirs = draw(3, 5, 4, 6), draw(3, 2, 8, 12, seed=1)
    each = []
    for one, other in zip(ours.double().numpy(), theirs.double().numpy(), strict=True):
        other = (other**2).sum(0).reshape(4, 2, 6, 2).mean((1, 3)).ravel()
        one = (one**2).sum(0).ravel()
        units = one / np.linalg.norm(one) - other / np.linalg.norm(other)
        each.append((units**2).sum())
    assert attention((ours, theirs)).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_attention_leaves_scale_signs_and_channels_free():
    theirs = draw(3, 4, 5, 5)
    mixed = -7 * theirs[:, [2, 0, 3, 1]]
    assert attention((mixed, theirs)).item() == pytest.approx(0, abs=1e-9)
    assert gradient_of(lambda x: attention((x, theirs)), theirs).abs().max() < 1e-6
    assert attention((theirs.flip(2), theirs)) > 0.01


@pytest.mark.parametrize("scale", [0.0, 1e-15, 1.0, 1e9])
def test_attention_and_its_gradients_are_finite(scale: float):
    """Also where a map is dead."""
    theirs, ours = draw(2, 4, 3, 3), scale * draw(2, 4, 3, 3, seed=1)
    for other in (theirs, 0 * theirs):
        assert attention((ours, other)).isfinite()
        assert gradient_of(lambda x, other=other: attention((x, other)), ours).isfinite().all()


def maps_missed(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return the term of feature maps of one layer and of embeddings that are alike."""
    embeddings = {PENULTIMATE: draw(4, 3)}
    features, others = ({"layer": maps, **embeddings} for maps in (ours, theirs))
    taught = replace(BARE, features=features, teacher_features=others)
    return feature_maps.term(taught, nn.Identity())


def test_maps_of_two_sizes_are_compared_as_means_in_the_smaller_one():
    small = draw(4, 5, 3, 3)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert maps_missed(small, large).item() == maps_missed(large, small).item() == 0
    large += torch.tensor([1.0, -1.0]).repeat(3)  # which no mean of two shows
    assert maps_missed(small, large).item() == pytest.approx(0, abs=1e-12)
    other = draw(4, 5, 6, 6, seed=1)
    means = other.unflatten(2, (3, 2)).unflatten(4, (3, 2)).mean((3, 5))
    wanted = ((small - means) ** 2).mean() / means.var((0, 2, 3), correction=0).mean() / 2
    assert maps_missed(small, other).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_maps_of_one_size_are_compared_as_they_are():
    """To the last bit: no mean of one place is taken."""
    ours, theirs = draw(4, 5, 3, 3), draw(4, 5, 3, 3, seed=1)
    wanted = torch.stack([feature_maps.unexplained(ours, theirs), torch.zeros(())]).mean()
    assert torch.equal(maps_missed(ours, theirs), wanted)


def staged(width: int) -> nn.Module:
    """Maps at a quarter (twice) and at an eighth of the side, then one place."""
    torch.manual_seed(width)
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 4), nn.Conv2d(width, 2 * width, 1),
        nn.Conv2d(2 * width, width, 2, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2),
    )  # fmt: skip


def test_stages_are_the_last_layers_at_each_halving():
    small, large = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 32, 32)
    assert pair(staged(2), staged(5), large, small).stages == (("1", "1"), ("2", "2"))
    for side in (8, 10):  # 4 x 4 places of 32 x 32, and 3 x 3
        early = nn.Sequential(nn.Conv2d(3, 4, side, side), *staged(4)[3:])
        assert pair(early, staged(5), large, large).stages == (("0", "2"),)


def test_the_terms_are_given_the_students_own_features_and_maps(monkeypatch):
    """A student of another width and input size: its distances are not those behind the map."""
    monkeypatch.setattr(teaching, "_cheap_precision", lambda device: contextlib.nullcontext())
    teacher, network, side = staged(5).eval(), staged(2).eval(), ImageSpec(height=16, width=16)
    batch = Batch(draw(6, 3, 32, 32), torch.ones(6, 2), torch.ones(6, 2))
    settings = Teaching(
        hard_share=1, feature_weight=0, term=("relational=2", "attention-transfer=3")
    )
    with lesson(Student(network, side), teacher, small_training.SPEC, settings) as given:
        logits = given.pupil(batch.inputs)
        found = given.loss(logits, batch)
    seen = nn.functional.interpolate(batch.inputs, (16, 16), mode="bilinear", antialias=True)
    maps = [(network[:end](seen), teacher[:end](batch.inputs)) for end in (2, 3)]
    wanted = (
        binary_cross_entropy_with_logits(network(seen), batch.targets)
        + 2 * relations(network[:5](seen), teacher[:5](batch.inputs))
        + 3 * attention(*maps)
    )
    assert torch.allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("term", "layers", "stages"),
    [("relational=1", 0, 0), ("class-distances=1", 0, 0), ("attention-transfer=1", 0, 2),
     ("fitnets=1", 0, 2), ("feature-maps=1", 4, 0)],
)  # fmt: skip
def test_features_are_recorded_for_the_term_that_needs_them(term: str, layers: int, stages: int):
    settings = Teaching(feature_weight=0, term=(term,))
    student = Student(staged(5), small_training.SPEC)
    with lesson(student, staged(5), small_training.SPEC, settings) as given:
        given.pupil(draw(2, 3, 32, 32))
        assert len(given.pupil.features) == layers + 1, "with what enters the output layer"
        assert len(given.pupil.maps) == stages


def test_networks_without_maps_are_refused_where_a_term_needs_them():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    settings = Teaching(feature_weight=0, term=("attention-transfer=1",))
    student = Student(flat, small_training.SPEC)
    with (
        pytest.raises(UserError, match=r"no feature maps.*\n?.*--term"),
        lesson(student, staged(5), small_training.SPEC, settings),
    ):
        pass


@pytest.mark.parametrize(
    "names",
    [("bckd", "dist-labels", "standardised-logits", "teacher-temperature"),
     ("relational", "attention-transfer", "fitnets"),
     ("class-distances", "instance-distances")],
)  # fmt: skip
def test_each_is_one_option_of_a_distillation(tmp_path, command, names: tuple[str, ...]):
    data = small_training.write(tmp_path / "data", lambda row: (row % 2, row // 2 % 2))
    common = ("--data", data, "--out")
    options = [word for name in names for word in ("--term", f"{name}=0.5")]
    done = command("compress.train", *small_training.FAST, *common, tmp_path / "net", "--epochs", 0)
    assert done.code == 0, done.err
    done = command(
        "compress.distill", "--teacher", tmp_path / "net", "--student", "tiny_network:build",
        *common, tmp_path / "student", *options, "--epochs", 1, "--batch-size", 12,
        "--gate", "params <= 1e9",
    )  # fmt: skip
    assert done.code == 0, done.err
    student = artifacts.load(tmp_path / "student")
    assert student.manifest.config["term"] == [f"{name}=0.5" for name in names]
    assert all(weight.isfinite().all() for weight in load_network(student).state_dict().values())
