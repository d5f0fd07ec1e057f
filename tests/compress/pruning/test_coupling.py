"""What torch-pruning does not understand stays whole and is named; the rest is pruned rightly."""

from pathlib import Path

import pytest
import torch
import unusual_networks
from small_training import FAST, write
from torch import nn

from compress.pruning.channels import Widths, channels_of, prune_until
from compress.pruning.coupling import unfit_layers
from compress.pruning.kept_layers import kept_layers, named_like
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.pruning_history import replay, traced
from models.stored import count_macs, load_network

IMAGES = torch.zeros(1, 3, 32, 32)
UNFIT = {
    "plain": set(),
    "grouped": set(),
    "ghost": set(),
    "norm": set(),
    "fixed": set(),
    "gated": {"middle.both"},
    "chunked": {"stem.0", "middle.one.0"},
    "shuffled": {"stem.0"},
    "by number": {"stem.0"},
    "place": {"stem.0"},
    "standardised": {"middle"},
    "mixed": {"stem.0", "middle.0", "middle.1"},
    "split attention": {"middle.conv", "middle.fc2"},
    "selective kernel": {
        "stem.0",
        "middle.paths.0.conv",
        "middle.paths.1.conv",
        "middle.attn.fc_select",
    },
    "res2net": {"middle.conv1", "middle.convs.0", "middle.convs.1", "middle.convs.2"},
}


@pytest.mark.parametrize("kind", UNFIT)
def test_what_cannot_be_pruned_is_found_and_the_rest_is_pruned_and_replayed(kind: str):
    network, fresh = (unusual_networks.network(kind) for _ in range(2))
    kept = kept_layers(network, IMAGES, (), residual=False)
    assert "head" in kept.layers
    assert "head" not in kept.unfit
    assert set(kept.unfit) == UNFIT[kind]
    before = {name: len(module.weight) for name, module in network.named_modules()
              if isinstance(module, nn.Conv2d | nn.Linear)}  # fmt: skip
    widths = Widths(round_to=1, max_pruning_ratio=0.9, ranking="layer", kept=kept.layers)
    last = network.body[2][0] if kind == "fixed" else network.last[0]
    history = prune_until(network, IMAGES, lambda _: last.out_channels <= 9, widths)
    for name, width in before.items():
        assert (len(network.get_submodule(name).weight) == width) == (name in kept.layers), name
    replay(fresh, history, IMAGES).load_state_dict(network.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(fresh.eval()(images), network(images))


def test_the_same_layers_are_unfit_whatever_the_weights():
    """Weights of zero, and a batch norm that lets nothing through, hide nothing."""
    network = unusual_networks.network("shuffled")
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    assert unfit_layers(network, IMAGES, ["head"]) == ("stem.0",)
    assert not any(parameter.any() for parameter in network.parameters())


def test_layers_that_are_kept_anyway_are_not_named():
    network = unusual_networks.network("shuffled")
    kept = kept_layers(network, IMAGES, ("stem.*",), residual=False)
    assert kept.unfit == ()
    assert set(kept.layers) == {"stem.0", "head"}


class Pair(nn.Conv2d):
    """A layer that returns what torch-pruning does not expect of one."""

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"maps": super().forward(image)}


def test_what_torch_pruning_cannot_follow_is_one_message():
    network = unusual_networks.Does(lambda net, x: net.pair(x)["maps"].mean(1), pair=Pair(3, 3, 3))
    with pytest.raises(UserError, match=r"cannot follow the channels.*compress\.distill"):
        traced(network, IMAGES)


def test_a_network_that_works_in_single_precision_only_is_tried_in_it():
    offset = torch.ones(unusual_networks.WIDTH, unusual_networks.WIDTH)

    def single(_: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return (x.mean((2, 3)) @ offset)[:, :, None, None]

    network = unusual_networks.Net(3, unusual_networks.Does(single)).eval()
    assert unfit_layers(network, IMAGES, ["head"]) == ("stem.0",)


class Channelwise(nn.Module):
    """A 1-D convolution over the places of a row, and one that makes places, as decoders have."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 8, 2, stride=2)
        self.rows = nn.Conv1d(8, 6, 1)
        self.head = nn.Linear(6, 2)

    def forward(self, image):
        """Return logits `[n, 2]`."""
        return self.head(self.rows(self.up(image).flatten(2)).mean(2))


def test_all_kinds_of_layers_are_named_counted_and_measured():
    network, image = Channelwise(), torch.zeros(1, 3, 4, 4)
    assert named_like(network, ("rows", "u*")) == ["up", "rows"]
    assert channels_of(network) == {"up": 8, "rows": 6, "head": 2}
    spec = ImageSpec(height=4, width=4)
    assert count_macs(network, spec) == 3 * 16 * 8 * 4 + 64 * 8 * 6 + 6 * 2
    kept = kept_layers(network, image, ("rows",), residual=False)
    assert set(kept.layers) == {"rows", "head"}
    widths = Widths(1, 0.5, "layer", kept.layers, channels_of(network))
    prune_until(network, image, lambda n: n.up.out_channels == 4, widths)
    with pytest.raises(UserError, match="cannot be pruned"):  # not below half of 8
        prune_until(network, image, lambda n: n.up.out_channels == 3, widths)


@pytest.mark.parametrize("kind", ["plain", "fixed"])
def test_an_old_history_replays_at_the_size_of_the_network(kind: str):
    """Channels were traced at 64 x 64 pixels once: what was stored then must still fit."""
    size = 64 if kind == "plain" else 48
    name = "stem.0" if kind == "plain" else "body.0.0"
    network = unusual_networks.network(kind, size=size)
    replay(network, ((name, True, (0, 3)),), torch.zeros(1, 3, size, size))
    assert network.get_submodule(name).out_channels == unusual_networks.WIDTH - 2
    with pytest.raises(UserError, match="does not fit the architecture"):
        replay(network, (("nowhere", True, (0,)),), torch.zeros(1, 3, size, size))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "d", lambda row: (row % 2, row // 2 % 2))


@pytest.mark.parametrize(("kind", "size"), [("fixed", 48), ("place", 32)])
def test_networks_of_one_size_are_pruned_by_the_command(
    kind: str, size: int, table: Path, tmp_path: Path, command
):
    trained, pruned = tmp_path / "trained", tmp_path / "pruned"
    options = dict(zip(FAST[::2], FAST[1::2], strict=True)) | {
        "--arch": f"unusual_networks:{kind}", "--arch-kwargs": "{}", "--image-size": size,
        "--epochs": 0,
    }  # fmt: skip
    given = [word for pair in options.items() for word in pair]
    assert command("compress.train", "--data", table, "--out", trained, *given).code == 0
    done = command(
        "compress.prune", "--model", trained, "--data", table, "--out", pruned, "--epochs", 0,
        "--rounds", 2, "--macs", 0.8, "--round-to", 4, "--batch-size", 2,
    )  # fmt: skip
    assert done.code == 0, done.err
    made = artifacts.load(pruned)
    spec = made.manifest.image
    before, after = (load_network(artifacts.load(path)) for path in (trained, pruned))
    assert count_macs(after, spec) <= 0.8 * count_macs(before, spec)
    told = "1 layer cannot be pruned and stays whole"
    assert (told in done.err) == any(told in note for note in made.manifest.notes)
    assert ("stem.0" in done.err) == (kind == "place")
