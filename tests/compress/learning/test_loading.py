"""Batches of augmented images: what they show, in which order, and who waits for them."""

import threading
import time

import numpy as np
import pytest
import torch
from new_threads import threads_of_a_new_thread
from small_training import augmented
from tiny_network import build

from compress.learning.augmentation import Augmentation, Batch
from compress.learning.loading import (
    Stopwatch,
    TrainingImages,
    augmented_batches,
    prefetched,
    training_loader,
)
from compress.learning.options import Training
from compress.learning.training import fit
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import views
from models.basis import torch_process

SPEC = ImageSpec(height=32, width=32)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(n: int, height: int = 9, width: int = 9, channels: int = 3) -> torch.Tensor:
    return torch.randint(256, (n, channels, height, width), generator=seeded(1)).to(torch.uint8)


def images(n: int, rows: np.ndarray | None = None) -> TrainingImages:
    """Return images whose every pixel is their number, with the number as target."""
    pixels = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 32, 32, 3))
    chosen = np.arange(n) if rows is None else rows
    targets = chosen[:, None].astype(np.float32)
    return TrainingImages(pixels, targets, ("identity",), SPEC, rows)


@pytest.mark.parametrize("view", views.DIHEDRAL)
def test_a_view_is_the_one_of_the_evaluation(view: str) -> None:
    batch = noise(3)
    wanted = views.apply(view, batch.permute(0, 2, 3, 1).numpy())
    found = augmented(batch, Augmentation((view,), 0), seeded())
    np.testing.assert_array_equal(found.permute(0, 2, 3, 1).numpy(), wanted)


@pytest.mark.parametrize("view", ["identity", "flip-identity"])
def test_an_oblong_image_keeps_its_shape(view: str) -> None:
    batch = noise(2, height=6, width=11)
    wanted = views.apply(view, batch.permute(0, 2, 3, 1).numpy())
    found = augmented(batch, Augmentation((view,), 0), seeded())
    np.testing.assert_array_equal(found.permute(0, 2, 3, 1).numpy(), wanted)


def test_every_view_is_drawn_about_as_often() -> None:
    batch = torch.zeros(800, 1, 3, 3, dtype=torch.uint8)
    batch[:, 0, 0, 1], batch[:, 0, 0, 2] = 100, 200
    found = augmented(batch, Augmentation(views.DIHEDRAL, 0), seeded())
    _, counts = torch.unique(found.flatten(1), dim=0, return_counts=True)
    assert len(counts) == 8
    assert counts.min() > 60


def test_a_turn_keeps_right_angles_in_an_oblong_image() -> None:
    """A disc stays a disc: with the axes' lengths forgotten, it would be sheared."""
    y, x = np.mgrid[:60, :120]
    disc = (255 * ((x - 59.5) ** 2 + (y - 29.5) ** 2 < 20**2)).astype(np.uint8)
    batch = torch.from_numpy(disc)[None, None].repeat(20, 1, 1, 1)
    how = Augmentation(("identity",), 5)  # turns of up to 25 degrees, and as strong shifts
    for image in augmented(batch, how, seeded()).numpy()[:, 0].astype(float):
        inside = image > image.max() / 2
        if inside[0].any() or inside[-1].any():
            continue  # shifted out of the image in part
        height, width = inside.any(axis=1).sum(), inside.any(axis=0).sum()
        assert abs(height - width) <= 2


def test_changes_are_as_large_as_their_strength() -> None:
    grey = torch.full((200, 3, 16, 16), 100, dtype=torch.uint8)
    middle = augmented(grey, Augmentation(("identity",), 1.0), seeded())[:, :, 8, 8].float()
    assert 78 <= middle.min() < 85
    assert 115 < middle.max() <= 122
    assert (middle.std(dim=1) < 0.6).all()  # grey stays grey
    none = augmented(grey, Augmentation(("identity",), 0), seeded())
    assert torch.equal(none, grey)
    assert middle.std() > 5


def test_what_is_drawn_depends_on_the_generator_alone() -> None:
    how, batch = Augmentation(views.DIHEDRAL, 1.0), noise(8)
    torch.manual_seed(1)
    first = augmented(batch, how, seeded(3))
    torch.manual_seed(2)
    assert torch.equal(augmented(batch, how, seeded(3)), first)
    assert not torch.equal(augmented(batch, how, seeded(4)), first)


def test_an_epoch_shows_every_chosen_row_once() -> None:
    rows = np.array([1, 3, 5, 7, 9, 11])
    loader = training_loader(images(12, rows), 2, seeded())
    made = list(prefetched(augmented_batches(loader, Augmentation(("identity",), 0), seeded())))
    assert [item.pixels.dtype for item in made] == [torch.uint8] * 3
    shown = torch.cat([item.pixels[:, 0, 0, 0] for item in made])
    assert sorted(shown.tolist()) == rows.tolist()
    assert torch.equal(shown.float(), torch.cat([item.targets for item in made])[:, 0])
    assert shown.tolist() == rows[torch.cat([item.rows for item in made])].tolist()
    assert shown.tolist() != rows.tolist()


def test_grey_images_are_loaded_as_one_channel() -> None:
    pixels = np.broadcast_to(np.zeros((4, 32, 32, 1), np.uint8), (4, 32, 32, 3))
    grey = TrainingImages(pixels, np.zeros((4, 1), np.float32), ("identity",), SPEC)
    item = next(iter(training_loader(grey, 2, seeded())))
    assert item.pixels.shape == (2, 1, 32, 32)


def test_fewer_images_than_a_batch_are_refused() -> None:
    with pytest.raises(UserError, match="fewer training images than one batch"):
        training_loader(images(3), 4, seeded())


def test_items_come_in_order_and_are_made_by_another_thread() -> None:
    makers = set()

    def items():
        for number in range(20):
            makers.add(threading.current_thread().name)
            yield number

    threads = torch.get_num_threads()
    assert list(prefetched(items())) == list(range(20))
    assert len(makers) == 1
    assert threading.current_thread().name not in makers
    assert torch.get_num_threads() == threads  # of this thread


def test_an_error_of_the_thread_is_raised_where_the_item_is_wanted() -> None:
    def items():
        yield 1
        raise ValueError("broken")

    found = prefetched(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for number in prefetched(iter(range(1000))):
        if number == 3:
            break
    assert threading.active_count() == before


def test_waiting_is_counted_and_making_ahead_saves_it() -> None:
    def slow():
        for number in range(6):
            time.sleep(0.02)
            yield number

    waited = []
    for source in (slow(), prefetched(slow())):
        watch = Stopwatch()
        for _ in watch.over(source):
            time.sleep(0.05)  # the step
        waited.append(watch.waited_s)
    assert waited[0] >= 0.12
    assert waited[1] < waited[0] / 2


def test_training_tells_how_long_it_waited(tmp_path, capfd) -> None:
    def loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return torch.nn.functional.mse_loss(logits, batch.targets / 16)

    settings = Training(epochs=2, batch_size=4)
    fitted = fit(build(1), images(16), settings, loss, tmp_path)
    assert fitted.waiting_share is not None
    assert 0 < fitted.waiting_share < 1
    assert capfd.readouterr().err.count("% of it waiting for images") == 2
    again = fit(build(1), images(16), settings, loss, tmp_path)  # goes on from the last epoch
    assert again.waiting_share == fitted.waiting_share
    none = fit(build(1), images(16), Training(epochs=0, batch_size=4), loss, tmp_path)
    assert none.waiting_share is None


def test_a_training_that_broke_off_ends_with_the_same_weights(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    targets = np.arange(24, dtype=np.float32)[:, None] % 2
    noisy = TrainingImages(pixels, targets, views.DIHEDRAL, SPEC)
    settings, steps = Training(epochs=3, batch_size=4), 0

    def loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if steps == 6 + 3:  # within the second of three epochs
            raise KeyboardInterrupt
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.targets)

    torch.manual_seed(0)
    first = build(1)
    start = {name: value.clone() for name, value in first.state_dict().items()}
    for folder in ("broken", "whole"):
        (tmp_path / folder).mkdir()
    with pytest.raises(KeyboardInterrupt):
        fit(first, noisy, settings, loss, tmp_path / "broken")
    found = []
    for folder in ("broken", "whole"):
        network = build(1)
        network.load_state_dict(start)
        found.append(fit(network, noisy, settings, loss, tmp_path / folder).network.state_dict())
    assert steps == 6 + 3 + 12 + 18
    assert all(torch.equal(found[0][name], found[1][name]) for name in start)
    assert not torch.equal(found[0]["0.0.weight"], start["0.0.weight"])


def test_prefetching_keeps_to_one_thread_and_leaves_the_others_theirs() -> None:
    with torch_process.threads(3):
        for in_the_thread in prefetched(torch.get_num_threads() for _ in range(3)):
            here = (in_the_thread, torch.get_num_threads(), threads_of_a_new_thread())
            assert here == (1, 3, 3)
        assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)
