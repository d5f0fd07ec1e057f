"""The self-test's part of training beside another process: its arithmetic, and what it leaves."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from benchmarks.claims.selftest import neighbour
from compress.learning.loop.run import Run
from edgepress.core.errors import UserError


def speeds(sleeping: tuple[float, float], spinning: tuple[float, float]) -> neighbour.Speeds:
    return {
        ("sleeping", False): [sleeping[0] - 1, sleeping[0], 99.0],
        ("sleeping", True): [sleeping[1]],
        ("spinning", False): [spinning[0]],
        ("spinning", True): [spinning[1]],
    }


@pytest.mark.parametrize(
    ("sleeping", "spinning", "met"),
    [
        ((10, 4), (10, 1), [True, True]),
        ((10, 3.9), (10, 9), [False, True]),
        ((9, 9), (10, 1), [True, True]),
        ((8.9, 9), (10, 1), [True, False]),
    ],
)
def test_what_is_met(sleeping, spinning, met: list[bool]) -> None:
    checks = neighbour._checks("a loop", "steps a second", speeds(sleeping, spinning))
    assert [check.met for check in checks] == met


def test_what_is_told() -> None:
    beside, alone = neighbour._checks("a loop", "steps a second", speeds((10, 8), (16, 2)))
    assert beside.name == "a loop beside one busy process, 2 cores, steps a second"
    assert beside.measured == "8.0 of 10.0 (80%); threads that spin: 2.0 of 16.0 (12%)"
    assert alone.measured == "62%"
    assert beside.runs[0] == "sleeping, alone: 9.00, 10.00, 99.00"
    assert beside.runs[3] == "spinning, beside a busy process: 2.00"


def test_everything_is_measured_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []
    children: list[subprocess.Popen[bytes]] = []
    started = subprocess.Popen

    def start(*given, **options):
        children.append(started(*given, **options))
        return children[-1]

    monkeypatch.setattr(subprocess, "Popen", start)

    def measure(variables: dict[str, str], name: str) -> float:
        busy = sum(child.poll() is None for child in children)
        seen.append((*variables, busy))
        return len(seen)

    found = neighbour._measured(measure, 2)
    assert seen == 2 * [
        ("OMP_WAIT_POLICY", 0), ("OMP_WAIT_POLICY", 1), ("KMP_BLOCKTIME", 0), ("KMP_BLOCKTIME", 1),
    ]  # fmt: skip
    assert list(found.values()) == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert [child.poll() is None for child in children] == [False] * 4


def test_the_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(UserError), neighbour._on_cores(1):  # noqa: PT012
        assert os.sched_getaffinity(0) == {max(before)}
        raise UserError("interrupted")
    assert os.sched_getaffinity(0) == before


def test_a_policy_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    def run(command, env, **options):
        seen.append({name: env[name] for name in neighbour.OPENMP if name in env})
        return SimpleNamespace(returncode=0, stdout="12.5\n", stderr="")

    for name in neighbour.OPENMP:
        monkeypatch.setenv(name, "7")
    monkeypatch.setattr(subprocess, "run", run)
    assert [neighbour._loop(said) for said in neighbour.POLICIES.values()] == [12.5, 12.5]
    assert seen == [{"OMP_WAIT_POLICY": "passive"}, {"KMP_BLOCKTIME": "200"}]


def test_an_epoch_is_timed_by_what_the_training_says(monkeypatch, tmp_path) -> None:
    run = SimpleNamespace(trained_s=0.0, waited_s=0.0)
    Run._note(run, 72.4, 0.1)
    said = f"read\n  epoch 1/1  loss 0.5134  {run.pace}\ndone"
    monkeypatch.setattr(neighbour, "_output", lambda *_: SimpleNamespace(stderr=said))
    assert neighbour._epoch({}, tmp_path) == 50
    monkeypatch.setattr(neighbour, "_output", lambda *_: SimpleNamespace(stderr="done"))
    with pytest.raises(UserError, match="how long"):
        neighbour._epoch({}, tmp_path)


def test_a_failed_training_is_no_figure() -> None:
    with pytest.raises(UserError, match="No module named"):
        neighbour._output(("benchmarks.nothing_here",), {})


def test_the_loop_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour, "LOOP_S", 0.2)
    assert neighbour._loop(neighbour.POLICIES["sleeping"]) > 0


def test_on_one_core_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(neighbour, "usable_cores", lambda: 1)
    (check,) = neighbour.run(tmp_path)
    assert check.met is None
