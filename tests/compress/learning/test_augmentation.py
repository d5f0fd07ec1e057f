"""Mixup and shifts on fixed draws, pixel by pixel."""

import pytest
import torch
from small_training import augmented

from compress.learning import augmentation
from compress.learning.augmentation import Augmentation, mixup, normalised
from edgepress.core.image_spec import ImageSpec

NAN = float("nan")
INPUTS = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2)


@pytest.fixture
def share(monkeypatch) -> float:
    """Every blend has a quarter of the image and three quarters of its partner."""

    def sample(beta: torch.distributions.Beta) -> torch.Tensor:
        assert beta.concentration0 == beta.concentration1 == 0.2
        return torch.tensor(0.25)

    monkeypatch.setattr(torch.distributions.Beta, "sample", sample)
    return 0.25


def test_mixup_blends_images_and_targets_by_the_same_share(share: float):
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = mixup(INPUTS, targets, 0.2, 1)
    assert found.inputs[:, 0, 0, 0].tolist() == [2.25, 1.75, 1.25, 0.75]
    assert found.targets.tolist() == [[1, 0.75], [0, 0.75], [0, 0.25], [1, 0.25]]
    assert found.weights.tolist() == [[1, 1]] * 4


def test_mixup_of_unknown_targets_keeps_what_is_known_at_its_share(share: float):
    targets = torch.tensor([[1.0, NAN], [0.0, NAN], [NAN, NAN], [NAN, 1.0]])
    found = mixup(INPUTS, targets, 0.2, 1)
    assert found.targets[:, 0].tolist() == [1, 0, 0, 1]
    assert found.weights[:, 0].tolist() == [0.25, 0.25, 0.75, 0.75]
    assert found.targets[[0, 3], 1].tolist() == [1, 1]
    assert found.targets[[1, 2], 1].isnan().all()
    assert found.weights[:, 1].tolist() == [0.75, 0, 0, 0.25]


@pytest.mark.parametrize(("alpha", "probability"), [(0, 1), (0.2, 0)])
def test_mixup_that_is_off_leaves_the_batch(share: float, alpha: float, probability: float):
    targets = torch.tensor([[1.0], [0.0], [NAN], [1.0]])
    found = mixup(INPUTS, targets, alpha, probability)
    assert found.inputs is INPUTS
    assert found.targets is targets
    assert found.weights.tolist() == [[1], [1], [0], [1]]


def test_mixup_happens_as_often_as_asked():
    torch.manual_seed(0)
    mixed = [mixup(INPUTS, INPUTS[:, :, 0, 0], 1, 0.3).inputs is not INPUTS for _ in range(400)]
    assert 90 < sum(mixed) < 150


def test_the_share_is_drawn_from_the_beta_that_is_asked_for():
    """Beta(a, a) has the mean 1/2 and the variance 1 / (8a + 4)."""
    torch.manual_seed(0)
    one = torch.tensor([[1.0], [0.0]])
    for alpha in (0.2, 2.0):
        drawn = torch.stack([mixup(INPUTS[:2], one, alpha, 1).targets[0, 0] for _ in range(1500)])
        assert drawn.mean().item() == pytest.approx(0.5, abs=0.05)
        assert drawn.var().item() == pytest.approx(1 / (8 * alpha + 4), rel=0.1)


def fixed(monkeypatch, **draws: float) -> None:
    """Let each draw be where it is told, 0 to 1 of its range: angle, scale, shifts, brightness."""
    order = iter(("angle", "scale", "shift", "jitter"))

    def uniform(low, high, shape, _draws):
        value = draws.get(next(order), 0.5)
        return torch.full(shape, low + (high - low) * value)

    monkeypatch.setattr(augmentation, "_uniform", uniform)


def picture() -> torch.Tensor:
    return torch.randint(0, 256, (1, 3, 50, 50), dtype=torch.uint8, generator=torch.Generator())


def test_a_shift_moves_every_pixel(monkeypatch):
    """At strength 2 the ends of the range are 6% of the side: 3 of 50 pixels."""
    batch = picture()
    fixed(monkeypatch, shift=1.0)
    how = Augmentation(("identity",), 2.0)
    found = augmented(batch, how, torch.Generator())
    assert torch.equal(found[..., 3:, 3:], batch[..., :-3, :-3])
    assert (found[..., :3, :] == 0).all()
    assert (found[..., :3] == 0).all()


def test_a_scaling_keeps_the_middle(monkeypatch):
    """A factor of 1.05 at the end of the range: what is at 1.05 x comes from x."""
    y, x = torch.meshgrid(torch.arange(101), torch.arange(101), indexing="ij")
    ramp = torch.stack([x, y, x]).to(torch.uint8)[None]
    fixed(monkeypatch, scale=1.0)
    found = augmented(ramp, Augmentation(("identity",), 1.0), torch.Generator()).float()
    wanted = 50 + (ramp.float() - 50) / 1.05
    assert (found - wanted).abs().max() <= 0.5 + 1e-3


def test_a_shift_by_half_a_pixel_is_the_mean_of_four(monkeypatch):
    """At strength 1 the ends of the range are 1.5 of 50 pixels."""
    batch = picture()
    fixed(monkeypatch, shift=1.0)
    found = augmented(batch, Augmentation(("identity",), 1.0), torch.Generator()).float()
    wanted = torch.nn.functional.avg_pool2d(batch.float(), 2, 1)[..., :-1, :-1]
    assert (found[..., 2:, 2:] - wanted).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize(("height", "width"), [(101, 101), (61, 101), (101, 61)])
def test_a_turn_goes_by_its_angle(monkeypatch, height: int, width: int):
    """5 degrees at the end of the range; right angles stay right, whatever the sides are."""
    rows, columns = torch.arange(height) - height // 2, torch.arange(width) - width // 2
    y, x = torch.meshgrid(rows.float(), columns.float(), indexing="ij")
    ramps = torch.stack([x, y, x * 0]).add(100).to(torch.uint8)[None]
    fixed(monkeypatch, angle=1.0)
    found = augmented(ramps, Augmentation(("identity",), 1.0), torch.Generator())[0].float()
    angle = torch.deg2rad(torch.tensor(5.0))
    wanted = (x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin())
    inner = (slice(10, -10),) * 2
    for channel, moved in enumerate(wanted):
        assert (found[channel][inner] - moved[inner] - 100).abs().max() <= 0.5 + 1e-3


def test_brightness_and_contrast_by_hand(monkeypatch):
    """At the upper end both are 1.2: pixels p become 1.2 (1.2 p - 0.2 grey)."""
    batch = torch.full((1, 3, 4, 4), 100, dtype=torch.uint8)
    batch[:, :, :2] = 50
    fixed(monkeypatch, jitter=1.0)
    found = augmented(batch, Augmentation(("identity",), 1.0), torch.Generator())
    assert found[0, 0, 3, 3] == round(1.2 * (1.2 * 100 - 0.2 * 75))
    assert found[0, 0, 0, 0] == round(1.2 * (1.2 * 50 - 0.2 * 75))


def test_the_grey_of_colours_weighs_them_as_the_eye_does(monkeypatch):
    batch = torch.zeros((1, 3, 4, 4), dtype=torch.uint8)
    batch[:, 1] = 100
    fixed(monkeypatch, jitter=0.0)  # both factors 0.8
    found = augmented(batch, Augmentation(("identity",), 1.0), torch.Generator())
    grey = 0.587 * 100
    assert found[0, :, 2, 2].tolist() == [
        round(0.8 * 0.2 * grey), round(0.8 * (80 + 0.2 * grey)), round(0.8 * 0.2 * grey)
    ]  # fmt: skip


@pytest.mark.parametrize(("height", "factor"), [(0.0, 0.6), (1.0, 1.4)])
def test_contrast_is_about_the_grey_of_bt_601(monkeypatch, height: float, factor: float):
    monkeypatch.setattr(
        augmentation,
        "_uniform",
        lambda low, high, *_: torch.full((2, 1, 1, 1, 1), low + (high - low) * height),
    )
    colour = torch.tensor([10.0, 100.0, 200.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    grey = 0.2989 * 10 + 0.587 * 100 + 0.114 * 200
    light = augmentation._light(0.4, 1, torch.Generator())
    found = augmentation._lit(colour.clone(), light)
    wanted = [factor * (factor * value + (1 - factor) * grey) for value in (10, 100, 200)]
    assert found[0, :, 1, 0].tolist() == pytest.approx(wanted, abs=1e-3)
    grey_image = augmentation._lit(torch.full((1, 1, 2, 2), 50.0), light)
    assert grey_image[0, 0, 1, 1].item() == pytest.approx(factor * 50)


def test_white_stays_white_however_bright():
    white = torch.full((64, 3, 9, 9), 255, dtype=torch.uint8)
    how = Augmentation(("identity",), 1.0)
    middle = augmented(white, how, torch.Generator().manual_seed(0))[:, :, 4, 4]
    assert middle.min() > 150
    assert (middle == 255).float().mean() > 0.3


def test_inputs_are_normalised_channel_by_channel():
    spec = ImageSpec(height=2, width=2, mean=(0.0, 0.2, 0.4), std=(1.0, 0.5, 0.25))
    batch = torch.full((2, 3, 2, 2), 51, dtype=torch.uint8)
    batch[1] = 153
    found = normalised(batch, spec)
    assert found.shape == (2, 3, 2, 2)
    torch.testing.assert_close(found[0, :, 1, 0], torch.tensor([0.2, 0.0, -0.8]))
    torch.testing.assert_close(found[1, :, 0, 1], torch.tensor([0.6, 0.8, 0.8]))
    assert found.is_contiguous(memory_format=torch.channels_last)
    grey = normalised(batch[:, :1], spec)
    torch.testing.assert_close(grey[0, :, 0, 0], torch.tensor([0.2, 0.0, -0.8]))
