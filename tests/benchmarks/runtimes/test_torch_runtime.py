"""A session in torch keeps to its threads while it runs, and to nothing else."""

import numpy as np
import pytest
import torch
from new_threads import threads_of_a_new_thread
from torch import nn

from benchmarks.runtimes.torch_ import TorchSession
from edgepress.core import libraries
from models.basis import torch_process

IMAGES = np.zeros((3, 3, 4, 4), np.float32)


class Asked(nn.Module):
    """Notes what it is run under; fails on request."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, int, bool]] = []
        self.fails = False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.fails:
            raise ValueError("broken")
        seen = (len(images), torch.get_num_threads(), torch.is_inference_mode_enabled())
        self.seen.append(seen)
        return torch.zeros(len(images), 1)


@pytest.mark.parametrize("fails", [False, True])
def test_threads_are_the_sessions_while_it_runs(fails: bool) -> None:
    with torch_process.threads(3):
        session = TorchSession(network := Asked(), batch=2, threads=1, scalings=(None,))
        assert torch.get_num_threads() == 3
        network.fails = fails
        if fails:
            with pytest.raises(ValueError, match="broken"):
                session.run(IMAGES)
        else:
            assert session.run(IMAGES).tolist() == [[0.5]] * 3
            assert network.seen == [(2, 1, True), (1, 1, True)]
        assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)
        assert not torch.is_inference_mode_enabled()


def test_two_sessions_keep_to_their_own() -> None:
    networks = Asked(), Asked()
    first, second = (
        TorchSession(network, batch=3, threads=threads, scalings=(None,))
        for network, threads in zip(networks, (1, 2), strict=True)
    )
    for session in (first, second, first):
        session.run(IMAGES)
    assert [[threads for _, threads, _ in network.seen] for network in networks] == [[1, 1], [2]]
    assert first.waiting == "one thread"
    assert second.waiting == libraries.openmp_wait()
