"""Other ways to a latency stop where the file takes just less than it may, and are stored."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from small_training import FAST, write
from torch import nn

from compress import peers, train
from compress.pruning.budget.measuring import Files
from compress.pruning.channels import channels_of
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import GateFailed
from models.stored import architecture_of, count_macs, load_network


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("peers") / "data", lambda row: (row % 2, row // 2 % 2))


@pytest.fixture(scope="module")
def parent(data: Path, tmp_path_factory) -> Artifact:
    out = tmp_path_factory.mktemp("peers") / "net"
    wide = ("--arch-kwargs", '{"width": 64}', "--epochs", 0)
    given = ("--data", data, "--out", out, *FAST, *wide)
    assert main(train.Config, train.run, [str(one) for one in given]) == 0
    return artifacts.load(out)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch, parent: Artifact) -> list[float]:
    """Let a file take its share of the multiply-accumulates and a tenth; return these times."""
    spec = parent.manifest.image
    whole, seen = count_macs(load_network(parent), spec), []

    def parts(_files: Files, network: nn.Module, shares: Mapping) -> dict[str, float]:
        seen.append(0.1 + 0.9 * count_macs(network, spec) / whole)
        return {one.metric: seen[-1] for one in shares}

    monkeypatch.setattr(peers, "parts", parts)
    monkeypatch.setattr(peers, "_files", lambda *_: None)
    return seen


@pytest.mark.parametrize("global_pruning", [True, False])
def test_torch_pruning_is_driven_by_macs_to_the_latency(
    global_pruning: bool, data: Path, parent: Artifact, timed: list[float], tmp_path: Path
) -> None:
    config = peers.Peer(
        model=parent.path,
        data=str(data),
        out=tmp_path / "out",
        share=0.65,
        batch_size=8,
        global_pruning=global_pruning,
    )
    found = peers.macs_driven(config)
    best = max(one for one in timed if one <= 0.65)
    whole, macs = parent.manifest.measurements.macs, found.manifest.measurements.macs
    assert 0.1 + 0.9 * macs / whole == best > 0.5
    again = load_network(artifacts.load(found.path))
    assert count_macs(again, found.manifest.image) == macs
    assert architecture_of(found).pruning_history
    assert all(width % 16 == 0 for width in list(channels_of(again).values())[:-1])


def test_a_narrower_network_is_as_fast_as_asked(parent: Artifact, timed: list[float]) -> None:
    width = peers.width_for(parent, 0.65)
    assert 0.05 <= width < 1
    assert max(one for one in timed if one <= 0.65) > 0.5


def test_a_share_that_nothing_reaches_is_refused(
    parent: Artifact, timed: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "TRIALS", 2)
    with pytest.raises(GateFailed, match="takes at most 10%"):
        peers.width_for(parent, 0.1)
    assert len(timed) == 2
