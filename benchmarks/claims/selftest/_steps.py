"""One fresh process: train a small network for a while and print its steps a second.

Started by `benchmarks.claims.selftest.neighbour`: how waiting threads wait is settled as torch is
loaded.
"""

import sys
import time
from collections.abc import Callable

LAYERS = 8
CHANNELS = 16
SHAPE = (8, CHANNELS, 32, 32)


def steps_per_s(threads: int, seconds: float) -> float:
    """Train on noise and return the steps a second, after as many unmeasured ones as fit in 1 s."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    layers = [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(LAYERS)]
    network = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())])
    optimizer = torch.optim.SGD(network.parameters(), 1e-3)
    images = torch.randn(SHAPE)

    def step() -> None:
        optimizer.zero_grad()
        network(images).square().mean().backward()
        optimizer.step()

    _repeat(step, min(1.0, seconds))
    return _repeat(step, seconds)


def _repeat(step: Callable[[], None], seconds: float) -> float:
    started = time.perf_counter()
    done = 0
    while (passed := time.perf_counter() - started) < seconds:
        step()
        done += 1
    return done / passed


if __name__ == "__main__":
    print(steps_per_s(int(sys.argv[1]), float(sys.argv[2])))
