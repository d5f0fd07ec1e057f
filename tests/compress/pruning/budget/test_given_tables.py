"""Times of a device decide the widths: asked for, refused, and said to be predicted."""

import re
from pathlib import Path

import pytest
from small_training import FAST, write

from benchmarks import latency_table as door
from benchmarks.operators import machine, rounds, visits
from compress import train
from compress.pruning.budget import measuring
from compress.pruning.budget.options import Options
from compress.pruning.budget.tables import identity
from edgepress.core import artifact as artifacts
from edgepress.core.cli import main

DEVICE = "of a device"
SETTINGS = (
    "--batch-size", 8, "--epochs", 0, "--rounds", 1, "--precision", "fp32", "--round-to", 4,
    "--no-sensitivity",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Path]:
    """Return images, and a network for them."""
    folder = tmp_path_factory.mktemp("given")
    data = write(folder / "data", lambda row: (row % 2, row // 2 % 2))
    wide = ("--arch-kwargs", '{"width": 32}', "--epochs", 0)
    given = ("--data", data, "--out", folder / "net", *FAST, *wide)
    assert main(train.Config, train.run, [str(one) for one in given]) == 0
    return data, folder / "net"


@pytest.fixture
def prune(made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command):
    """Return what prunes on a machine that is never too noisy, and times no file of a plan."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(made[0].parent / "cache"))
    monkeypatch.setattr(rounds, "TOO_NOISY", float("inf"))
    monkeypatch.setattr(rounds, "LEAST", 2)
    monkeypatch.setattr(visits, "BLOCK_S", 0.001)
    monkeypatch.setattr(measuring, "measure", lambda *_: pytest.fail("timed"))
    data, net = made

    def run(*options: object):
        given = ("--model", net, "--data", data, "--out", tmp_path / "out", *SETTINGS, *options)
        return command("compress.prune", *given)

    return run


def timed_there(folder: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time the variants as a device would."""
    here = machine.describe(1)
    with monkeypatch.context() as patch:
        patch.setattr(machine, "describe", lambda threads: here | {"cpu": DEVICE})
        assert door.main([folder, "--out", str(out), "--seconds", "0"]) == 0


def test_a_device_decides_and_what_it_takes_is_said_to_be_predicted(
    prune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times, out = tmp_path / "times.json", tmp_path / "out"
    budget = ("--budget", "latency <= 85%", "--latency-table", times)
    first = prune(*budget)
    assert first.code == 2
    folder = re.search(r"copy (\S+) to the device", first.err.replace("\n", ""))
    assert folder, first.err
    timed_there(folder[1], times, monkeypatch)
    refused = prune(*budget)
    assert refused.code == 2
    assert f"cpu {DEVICE}, not" in refused.err
    assert "--force-table" in refused.err
    threads = prune(*budget, "--force-table", "--threads", 2)
    assert threads.code == 2
    assert "another number of threads" in threads.err
    assert not out.exists()
    done = prune(*budget, "--force-table")
    assert done.code == 0, done.err
    assert f"(predicted for {DEVICE}, not measured)" in done.err
    found = artifacts.load(out).manifest
    (held,) = (one for one in found.verdicts if one.gate.startswith("latency"))
    assert held.outcome == "pass"
    assert held.measured > 1 / 0.85
    assert f"predicted for {DEVICE} by its latency table, not measured" in held.reason
    assert prune(*budget, "--force-table").err.count("unchanged") == 1


def test_a_run_hangs_on_what_the_times_say(tmp_path: Path) -> None:
    times = tmp_path / "times.json"
    options = Options(latency_table=times)
    assert identity(options) == identity(Options()) == {}
    found = []
    for text in ("{}", "[]"):
        times.write_text(text)
        found.append(identity(options)["latency_table"])
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "serves a budget on latency only"),
        (("--budget", "latency <= 40%", "--remove-blocks", 1), "of the network with all its"),
    ],
)
def test_a_table_that_decides_nothing_is_refused(
    prune, tmp_path: Path, options: tuple, message: str
) -> None:
    done = prune("--latency-table", tmp_path / "times.json", *options)
    assert done.code == 2
    assert message in done.err
