"""What is changed in torch for a while is put back, also after an error."""

import random
import threading
from contextlib import AbstractContextManager, suppress

import numpy as np
import pytest
import torch
from new_threads import threads_of_a_new_thread
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
