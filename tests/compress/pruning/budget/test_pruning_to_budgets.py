"""The stage: budgets are kept, in the file too, or refused before anything is trained."""

from pathlib import Path
from typing import ClassVar

import pytest
from small_training import FAST, write
from torch import nn

from compress import train
from compress.pruning import accuracy, rounds
from compress.pruning.budget import correcting, problems
from edgepress.core import artifact as artifacts
from edgepress.core.cli import main
from models.onnx_graph.index import count_macs, count_params
from models.onnx_graph.write import to_onnx
from models.stored import count_macs as count_network_macs
from models.stored import load_network

COMMON = ("--batch-size", 8, "--epochs", 1, "--gate", "params <= 1e9", "--round-to", 4)


class Table:
    """What a network of three convolutions takes, nearly: outputs times inputs."""

    groups: ClassVar = {"0.0": 32, "1.0": 64, "3.0": 64}

    def total(self, widths) -> float:
        """Return it."""
        first, second, third = (widths.get(name, whole) for name, whole in self.groups.items())
        return 4.0 * first * (3 + second) + second * third


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("budgets") / "data", lambda row: (row % 2, row // 2 % 2))


@pytest.fixture(scope="module")
def net(data: Path, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("budgets") / "net"
    wide = ("--arch-kwargs", '{"width": 32}', "--epochs", 0)
    given = ("--data", data, "--out", out, *FAST, *wide)
    assert main(train.Config, train.run, [str(one) for one in given]) == 0
    return out


@pytest.fixture
def prune(data: Path, net: Path, tmp_path: Path, command):
    def run(*options: object):
        given = ("--model", net, "--data", data, "--out", tmp_path / "out", *COMMON, *options)
        return command("compress.prune", *given)

    return run


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "teach", lambda *_: pytest.fail("trained"))


def measurements(folder: Path):
    return artifacts.load(folder).manifest.measurements


def test_all_budgets_hold_and_the_file_has_what_the_manifest_says(
    prune, net: Path, tmp_path: Path
) -> None:
    done = prune(
        "--budget", "params <= 60%", "--budget", "macs <= 70%", "--allocation", "knapsack",
        "--rounds", 2,
    )  # fmt: skip
    assert done.code == 0, done.err
    small, whole = measurements(tmp_path / "out"), measurements(net)
    assert 0.5 * whole.params < small.params <= 0.6 * whole.params
    assert small.macs <= 0.7 * whole.macs
    found = artifacts.load(tmp_path / "out")
    held = {one.gate: one.outcome for one in found.manifest.verdicts}
    assert held.items() >= {"params ratio <= 0.6": "pass", "macs ratio <= 0.7": "pass"}.items()
    file = tmp_path / "model.onnx"
    network = load_network(found)
    to_onnx(network, found.manifest.image, file)
    assert count_macs(file) == small.macs
    norms = (one for one in network.modules() if isinstance(one, nn.BatchNorm2d))
    folded = sum(one.num_features for one in norms)  # a scale and a shift become one bias
    assert count_params(file) == small.params - folded


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--macs", 0.001), 3, "'macs <= 0.1%': the smallest that can be reached is macs"),
        (("--budget", "params <= 10"), 3, "the smallest that can be reached is params"),
        (("--budget", "macs <= 30%", "--macs", 0.3), 2, "Two budgets limit the same thing"),
        (("--budget", "params <= 1G"), 2, "keeps this budget as it is"),
        (("--keep", "nothing.*"), 2, "Unknown layer in --keep"),
        (("--round-to", 64), 2, "can be made narrower"),
        (("--allocation", "sideways"), 2, "Unknown allocation"),
        (("--budget", "latency <= 40%", "--target", "cuda"), 2, "--target"),
        (("--latency-time", "soon"), 2, "--latency-time is not a duration"),
    ],
)
def test_what_cannot_be_is_said_before_any_training(
    prune, tmp_path: Path, options: tuple, code: int, message: str
) -> None:
    done = prune(*options)
    assert done.code == code, done.err
    assert message in done.err
    assert not list(tmp_path.iterdir())


def test_the_last_round_that_keeps_the_accuracy_is_kept(
    prune, monkeypatch: pytest.MonkeyPatch, net: Path, tmp_path: Path
) -> None:
    kept = iter((True, False))
    seen: list[float] = []

    def holds(self: accuracy.Judge, *_: object) -> bool:
        seen.append(len(self.context.rows("val")))
        return next(kept)

    monkeypatch.setattr(accuracy.Judge, "holds", holds)
    done = prune("--macs", 0.36, "--rounds", 2, "--gate", "map drop <= 1")
    assert done.code == 3, done.err
    assert seen == [8, 8]
    assert "after round 1 of 2: a later one keeps no accuracy gate" in done.err
    share = measurements(tmp_path / "out").macs / measurements(net).macs
    assert 0.4 < share <= 0.6


def test_rounds_are_judged_by_the_drop_on_validation_images(
    prune, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drop of at most 1 is always kept, one of at most -1 (a gain of 1) never is."""
    told: list[bool] = []
    asked = accuracy.Judge.holds

    def holds(self: accuracy.Judge, *given: object) -> bool:
        told.append(asked(self, *given))
        return told[-1]

    monkeypatch.setattr(accuracy.Judge, "holds", holds)
    done = prune("--macs", 0.5, "--rounds", 2, "--gate", "map drop <= -1")
    assert done.code == 3
    assert told == [False, False]
    assert "on validation images not kept: map drop <= -1" in done.err
    assert "after round" not in done.err


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let a file take a tenth of the whole one's time, and the rest as its MACs; note each."""
    found: list[float] = []

    def parts(files, network: nn.Module, _shares) -> dict[str, float]:
        whole = files.whole.manifest
        share = count_network_macs(network, whole.image) / whole.measurements.macs
        found.append(0.1 + 0.9 * share)
        return {"latency": found[-1]}

    monkeypatch.setattr(correcting, "parts", parts)
    monkeypatch.setattr(problems, "latency_table", lambda *_: Table())
    return found


LATENCY = (
    "--budget", "latency <= 60%", "--precision", "fp32", "--rounds", 2, "--round-to", 1,
)  # fmt: skip


def test_a_killed_planning_measures_no_file_again(
    prune, measured: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = correcting.parts

    def killed(*arguments):
        if measured:
            raise KeyboardInterrupt
        return parts(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(correcting, "parts", killed)
        assert prune(*LATENCY).code == 130
    assert len(measured) == 1
    done = prune(*LATENCY)
    assert done.code == 0, done.err
    assert len(measured) >= 2
    assert len({*measured}) == len(measured)


def test_a_killed_round_goes_on_with_the_plan_that_was_measured(
    prune, measured: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    teach, trained = rounds.teach, []

    def killed(*arguments):
        trained.append(arguments)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return teach(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(rounds, "teach", killed)
        assert prune(*LATENCY).code == 130
    before = len(measured)
    assert before >= 2, "the first plan was corrected"
    done = prune(*LATENCY)
    assert done.code == 0, done.err
    assert len(measured) == before
    found = artifacts.load(tmp_path / "out").manifest
    (held,) = (one for one in found.verdicts if one.gate.startswith("latency"))
    assert held.outcome == "pass"
    assert 1 / held.measured == pytest.approx(0.591, rel=0.015)
