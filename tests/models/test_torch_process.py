"""What is changed in torch for a while is put back, also after an error."""

import os
import random
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from new_threads import threads_of_a_new_thread
from places import ROOT, SUPPORT
from torch import nn

from models.basis import torch_process


class Interruption(Exception):
    pass


def interrupted() -> AbstractContextManager[None]:
    return suppress(Interruption)


@pytest.fixture(autouse=True)
def three_threads():
    with torch_process.threads(3):
        yield


def test_threads_are_put_back_for_this_thread_and_for_new_ones() -> None:
    with interrupted(), torch_process.threads(2):
        assert (torch.get_num_threads(), threads_of_a_new_thread()) == (2, 2)
        raise Interruption
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)


def test_the_number_at_hand_is_not_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda number: pytest.fail(str(number)))
    with torch_process.threads(3):
        assert torch.get_num_threads() == 3


def test_one_thread_keeps_to_itself() -> None:
    found: list[int] = []
    told, asked = threading.Event(), threading.Event()

    def work() -> None:
        torch_process.one_thread_here()
        told.set()
        asked.wait(10)
        found.append(torch.get_num_threads())

    other = threading.Thread(target=work)
    other.start()
    told.wait(10)
    torch.set_num_threads(3)
    asked.set()
    other.join()
    assert (found, torch.get_num_threads(), threads_of_a_new_thread()) == ([1], 3, 3)


def draws() -> list[float]:
    return [float(torch.rand(())), float(np.random.rand()), random.random()]  # noqa: NPY002


def test_seeds_are_for_a_while() -> None:
    torch_process.seed(5)
    alone = [*draws(), *draws()]
    torch_process.seed(5)
    before = draws()
    with torch_process.seeded(7):
        inside = draws()
    with interrupted(), torch_process.seeded(7):
        assert draws() == inside
        raise Interruption
    assert [*before, *draws()] == alone
    assert not set(inside) & set(alone)


def test_a_large_seed_is_one_for_numpy_too() -> None:
    with torch_process.seeded(2**32 + 5):
        large = np.random.rand()  # noqa: NPY002
    with torch_process.seeded(5):
        assert np.random.rand() == large  # noqa: NPY002
    with torch_process.seeded(2**31 + 5):
        assert np.random.rand() != large  # noqa: NPY002


def test_each_layer_gets_its_own_mode_back() -> None:
    network = nn.Sequential(nn.Dropout(), nn.BatchNorm2d(3), nn.Sequential(nn.Dropout()))
    network[1].eval()
    with interrupted(), torch_process.evaluating(network, alone := nn.ReLU()):
        assert not any(layer.training for layer in (alone, *network.modules()))
        raise Interruption
    modes = [layer.training for layer in network.modules()]
    assert (modes, alone.training) == ([True, True, False, True, True], True)


def test_each_weight_asks_for_its_own_gradients_again() -> None:
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    with interrupted(), torch_process.frozen(layer):
        assert not layer.weight.requires_grad
        assert not layer.bias.requires_grad
        raise Interruption
    assert layer.weight.requires_grad
    assert not layer.bias.requires_grad


@pytest.mark.parametrize(
    ("conv", "last"),
    [
        (nn.Conv2d(3, 8, 1, stride=2), False),
        (nn.Conv2d(32, 32, 1, stride=2, groups=4), False),
        (nn.Conv2d(16, 8, 1, stride=2), True),
        (nn.Conv2d(3, 8, 1), True),
        (nn.Conv2d(3, 8, 3, stride=2), True),
    ],
)
def test_a_narrow_strided_1x1_convolution_is_not_trained_channels_last(conv, last: bool):
    network = nn.Sequential(nn.Conv2d(3, conv.in_channels, 3), nn.ReLU(), conv)
    wanted = torch.channels_last if last else torch.contiguous_format
    assert torch_process.layout(network) == wanted


CORRUPTED = """
import sys, numpy, torch
from pathlib import Path
from torch import nn
from compress.learning.loading import TrainingImages
from compress.learning.losses.bce import loss
from edgepress.core.image_spec import ImageSpec
from compress.learning.options import Training
from compress.learning.training import fit
torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(3, 48, 1, stride=2, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 2),
)
settings = Training(epochs=2, batch_size=32, mixup=0, augmentation=0)
pixels = numpy.zeros((128, 224, 224, 3), numpy.uint8)
images = TrainingImages(
    pixels, numpy.zeros((128, 2), numpy.float32), ("identity",), ImageSpec(height=224, width=224)
)
fit(network, images, settings,
    lambda logits, batch: loss(logits, batch.targets, batch.weights), Path(sys.argv[1]))
"""


def test_learning_through_such_a_convolution_leaves_memory_whole(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", CORRUPTED, tmp_path], capture_output=True, text=True, timeout=120,
        env=os.environ | {"MALLOC_CHECK_": "3", "PYTHONPATH": f"{ROOT}{os.pathsep}{SUPPORT}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
