"""How large a batch fits: what a step keeps, and the limit that follows."""

import subprocess
import sys
from pathlib import Path

import pytest
import small_training
import torch
from places import ROOT, SUPPORT
from torch import nn

from compress.planning.costing import room
from compress.planning.costing.room import Needs, batch_limit, needs
from edgepress.core.image_spec import ImageSpec

SPEC = ImageSpec(height=10, width=10)
MIB = 2**20

STEPS = """
import sys
import numpy as np
from compress.learning.loading import TrainingImages
from compress.learning.options import Training
from compress.learning.training import step_times
from compress.planning.costing.room import needs
from edgepress.core.image_spec import ImageSpec
from tiny_network import build


def status(name):
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return 1024 * int(lines[name].split()[0])


batch, spec = int(sys.argv[1]), ImageSpec(height=48, width=48)
network = build(4)
pixels, targets = np.zeros((8, 48, 48, 3), np.uint8), np.zeros((8 * batch, 4), np.float32)
rows = np.resize(np.arange(8), 8 * batch)
images = TrainingImages(pixels, targets, ("identity",), spec, rows)
told = needs(network, spec).of(batch)
before = status("VmRSS")
loss = lambda logits, batch: logits.square().mean()
step_times(network, images, Training(batch_size=batch), loss, lambda times: len(times) == 4)
print(told, status("VmHWM") - before)
"""


def test_what_is_kept_is_what_a_backward_pass_reads():
    """The convolution keeps its input of 3 channels, the ReLU its output of 4, in float32."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    kept = room._kept_for_backward(network, SPEC)
    assert sorted(kept) == [4 * 3 * 100, 4 * 4 * 100]


def test_what_a_training_takes_by_hand():
    """16 weights in 5 copies; of an image 3 and 4 channels are kept, and arrays beside them."""
    found = needs(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), SPEC)
    assert found.fixed == 5 * 4 * 16 + room.LIBRARY_BYTES
    kept, largest, inputs = 4 * 7 * 100, 4 * 4 * 100, 4 * 3 * 100
    assert found.image == pytest.approx(1.1 * (kept + 4 * largest + 8 * inputs))
    assert found.of(10) == found.fixed + 10 * found.image


def test_an_array_that_two_layers_read_counts_once():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.first(image) + self.second(image)

    assert room._kept_for_backward(Twice(), SPEC) == [4 * 3 * 100]


def test_looking_leaves_the_network_and_the_generators_alone():
    network = small_training.network().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = torch.get_rng_state()
    needs(network, small_training.SPEC)
    assert not network.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("free", "most", "batch"),
    [(2 * (100 + 64 * 10), 4096, 64), (2 * (100 + 64 * 10) - 2, 4096, 32), (10**9, 48, 32),
     (0, 64, 2), (10**9, 2, 2)],
)  # fmt: skip
def test_the_limit_is_the_largest_power_of_two_in_half_of_what_is_free(
    free: int, most: int, batch: int, monkeypatch
):
    monkeypatch.setattr(room, "needs", lambda *_: Needs(fixed=100, image=10))
    monkeypatch.setattr(room, "_free_bytes", lambda: free)
    assert batch_limit(nn.Identity(), SPEC, most) == batch


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells its peaks")
def test_what_is_foretold_is_within_a_factor_of_1_6_of_what_steps_take(tmp_path: Path):
    script = tmp_path / "steps.py"
    script.write_text(STEPS)
    done = subprocess.run(
        [sys.executable, script, "192"],
        env={"PYTHONPATH": f"{ROOT}:{SUPPORT}", "OMP_NUM_THREADS": "1", "PATH": ""},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told, taken = map(float, done.stdout.split())
    assert taken > 200 * MIB
    assert taken / 1.6 < told < 1.6 * taken
