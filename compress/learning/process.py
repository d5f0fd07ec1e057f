"""What a training changes in its process, for as long as it lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from compress.learning.allocator import freed_memory_kept
from models.basis.torch_process import seeded


@contextmanager
def training_process(seed: int) -> Iterator[None]:
    """Seed the generators, keep freed memory and begin Accelerate anew; put all back at the end."""
    with freed_memory_kept(), seeded(seed), _accelerate_of_its_own():
        yield


@contextmanager
def _accelerate_of_its_own() -> Iterator[None]:
    """Let a training choose its precision, whatever another one in this process has chosen.

    Accelerate keeps it once for the whole process, and refuses a second choice.
    """
    shared = [state._shared_state for state in (AcceleratorState, GradientState)]
    before = [dict(state) for state in shared]
    try:
        for state in shared:
            state.clear()
        yield
    finally:
        for state, values in zip(shared, before, strict=True):
            state.clear()
            state.update(values)


def training_device() -> torch.device:
    """Return where Accelerate trains; to be asked within `training_process`."""
    device: torch.device = Accelerator().device
    return device
