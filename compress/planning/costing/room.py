"""How large a batch fits into the memory that is free now."""

import copy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from edgepress.core import memory
from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import learning, seeded

SHARE = 0.5
"""Of the free memory that a training step may take: the rest is for what begins later."""
SMALLEST = 2
"""Images of the smallest batch: a batch norm learns nothing from one."""
COPIES = 5
"""Of the weights: themselves, their gradients, AdamW's two moments and the moving average."""
BESIDE_LARGEST = 4
"""Arrays as large as the largest activation that a backward pass holds for a moment: gradients of
a layer's input and output, and both in the layout of the kernel."""
BESIDE_INPUT = 8
"""Arrays of a batch's size before the network: those made ahead, augmented, normalised, mixed."""
FRAGMENTS = 1.1
"""Memory taken / memory used, where freed memory is kept for the next step."""
LIBRARY_BYTES = 64 * 2**20
"""Of kernels that are compiled, and of the stacks and arenas of threads."""


@dataclass(frozen=True)
class Needs:
    """Memory that a training takes, in bytes, beside what the process had before."""

    fixed: float
    """However large the batch is."""
    image: float
    """For each image of a batch."""

    def of(self, batch: int) -> float:
        """Return what steps of so many images take."""
        return self.fixed + batch * self.image


def batch_limit(network: nn.Module, spec: ImageSpec, most: int) -> int:
    """Return the largest batch, a power of two, whose training fits into half of the free memory.

    Args:
        network: What is trained; it is left as it is.
        spec: The images that it takes.
        most: Images at most.

    Returns:
        2 at least, whether it fits or not.
    """
    wanted, room = needs(network, spec), SHARE * _free_bytes()
    batch = SMALLEST
    while 2 * batch <= most and wanted.of(2 * batch) <= room:
        batch *= 2
    return batch


def needs(network: nn.Module, spec: ImageSpec) -> Needs:
    """Return the memory that training a network takes, by what it keeps for its backward pass."""
    kept = _kept_for_backward(network, spec)
    inputs = 4 * spec.channels * spec.height * spec.width
    image = sum(kept) + BESIDE_LARGEST * max(kept, default=0) + BESIDE_INPUT * inputs
    weights = sum(parameter.nbytes for parameter in network.parameters())
    return Needs(COPIES * weights + LIBRARY_BYTES, FRAGMENTS * image)


def _kept_for_backward(network: nn.Module, spec: ImageSpec) -> list[float]:
    """Return the bytes of each array that a training step keeps of one image.

    A copy of the network is run on two images, of which a batch norm can learn. Views of one array
    count once, and weights not at all.
    """
    trial = copy.deepcopy(network).train()
    weights = {
        own.untyped_storage().data_ptr() for own in chain(trial.parameters(), trial.buffers())
    }
    kept: dict[int, float] = {}

    def pack(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes() / SMALLEST
        return saved

    with seeded(0), learning(trial), torch.autograd.graph.saved_tensors_hooks(pack, _as_it_is):
        images = torch.rand(SMALLEST, *spec.shape).contiguous(memory_format=torch.channels_last)
        answer = trial(
            images
        )  # as long as it lives, so do the arrays, and none has another's place
    del answer
    return list(kept.values())


def _as_it_is(saved: Tensor) -> Tensor:
    return saved


def _free_bytes() -> int:
    """Return the memory left where steps are made: of the accelerator, or of this process."""
    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0]
    return memory.available_bytes()
