"""What torch keeps once for a whole process: changed for a while, and put back.

The steps of a recipe run one after the other in one process. Each finds it as the first one did,
so that it gives the same result, at the same speed, as alone.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch use so many threads inside an operation."""
    before = torch.get_num_threads()
    _use_threads(number)
    try:
        yield
    finally:
        _use_threads(before)


def _use_threads(number: int) -> None:
    if torch.get_num_threads() != number:  # it forgets its compiled kernels when it is told
        torch.set_num_threads(number)


def one_thread_here() -> None:
    """Let torch use this thread alone for what this thread asks of it, as long as it lives.

    `torch.set_num_threads` also says how many threads those may use that start later, so whoever
    has started this one has to say it again afterwards. A thread looks that number up when it
    first needs it: here, so that it is the one just said.
    """
    torch.set_num_threads(1)
    torch.get_num_threads()


NARROW = 16
"""Input channels below which oneDNN's strided 1x1 convolution writes past its workspace when it
learns, if its input lies channels last (issue 6035 of uxlfoundation/oneDNN; 8 without AVX-512)."""


def layout(network: nn.Module) -> torch.memory_format:
    """Return how images and maps of a network in training lie in memory: where it can be, fastest.

    That is channels last, unless a convolution would corrupt memory then, which ends a training
    by a crash, by waiting for ever, or not at all.
    """
    convs = (each for each in network.modules() if isinstance(each, nn.Conv2d))
    corrupting = any(
        each.kernel_size == (1, 1)
        and max(each.stride) > 1
        and each.in_channels // each.groups < NARROW
        for each in convs
    )
    return torch.contiguous_format if corrupting else torch.channels_last


def seed(number: int) -> None:
    """Seed the global generators of torch, numpy and Python."""
    torch.manual_seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002  (libraries draw from it)
    random.seed(number)


@contextmanager
def seeded(number: int) -> Iterator[None]:
    """Seed the global generators, and put them back to where they were."""
    in_numpy, in_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count()), device_type="cuda"):
            seed(number)
            yield
    finally:
        np.random.set_state(in_numpy)  # noqa: NPY002
        random.setstate(in_python)


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Put networks into eval mode, and each of their layers back into the mode that it had."""
    training = {layer: layer.training for network in networks for layer in network.modules()}
    try:
        for network in networks:
            network.eval()
        yield
    finally:
        for layer, mode in training.items():
            layer.training = mode


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Ask no gradients of a network's weights, and then those that were asked before."""
    with _gradients(network, asked=False):
        yield


@contextmanager
def learning(network: nn.Module) -> Iterator[None]:
    """Ask gradients of all of a network's weights, and then those that were asked before."""
    with _gradients(network, asked=True):
        yield


@contextmanager
def _gradients(network: nn.Module, asked: bool) -> Iterator[None]:
    with ExitStack() as back:
        for parameter in network.parameters():
            back.callback(parameter.requires_grad_, parameter.requires_grad)
            parameter.requires_grad_(asked)
        yield
