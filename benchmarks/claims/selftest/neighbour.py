"""Training beside another busy process: what waiting threads that spin cost, and those that sleep.

Two cores, as on the machines that tests and CI share. Each figure is of a fresh process, since how
OpenMP's threads wait is settled as torch is loaded (`edgepress.core.libraries`).
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from benchmarks.claims.selftest.check import Check
from edgepress.core import console
from edgepress.core.environment import usable_cores
from edgepress.core.errors import UserError
from edgepress.core.libraries import OPENMP

CORES = 2
REPEATS = 3
LOOP_S = 5.0
EPOCH = ("--data", "elpv", "--weights", "random", "--image-size", "64", "--epochs", "1")
LEAST_BESIDE = 0.4
"""Of the speed alone. A neighbour on one of two cores leaves a fair share of one half to two
thirds of the time, as every step waits for the slower core."""
LEAST_ALONE = 0.9
"""Of the speed by the library's default, where nobody disturbs: a thread has to be woken."""

POLICIES = {
    "sleeping": {"OMP_WAIT_POLICY": "passive"},
    # What GCC's library does by default, whose torch it is: it does not read this variable, which
    # says on the other hand that the user has chosen.
    "spinning": {"KMP_BLOCKTIME": "200"},
}

Speeds = dict[tuple[str, bool], list[float]]
"""Speeds of every run, by policy and whether there was a neighbour."""


def run(folder: Path) -> tuple[Check, ...]:
    """Measure a small loop of convolutions and a real epoch, alone and beside a busy process."""
    if not hasattr(os, "sched_setaffinity") or usable_cores() < CORES:
        return (
            Check(
                name="training beside a busy process",
                demanded="not much slower than its share of the cores",
                measured=f"needs Linux and {CORES} cores",
                met=None,
            ),
        )
    with _on_cores(CORES):
        loop = _measured(lambda variables, _: _loop(variables), REPEATS)
        epoch = _measured(lambda variables, name: _epoch(variables, folder / name), 1)
    loops = _checks("a loop of small convolutions", "steps a second", loop)
    return (*loops, *_checks("an epoch at 64 px", "epochs an hour", epoch))


def _measured(measure: Callable[[dict[str, str], str], float], repeats: int) -> Speeds:
    """Run everything in turn, `repeats` times, alone and beside a neighbour."""
    found: Speeds = {(policy, busy): [] for policy in POLICIES for busy in (False, True)}
    for number in console.track(range(repeats), "alone and beside a neighbour"):
        for policy, busy in found:
            with _neighbour() if busy else nullcontext():
                speed = measure(POLICIES[policy], f"{policy}-{busy}-{number}")
            found[policy, busy].append(speed)
    return found


def _loop(variables: dict[str, str]) -> float:
    words = ("benchmarks.claims.selftest._steps", str(CORES), str(LOOP_S))
    return float(_output(words, variables).stdout)


def _epoch(variables: dict[str, str], out: Path) -> float:
    """Train one epoch and return epochs an hour, by what the training says of its time."""
    words = ("compress.train", *EPOCH, "--views", "1", "--gate", "map >= 0", "--out", str(out))
    said = re.search(r"epoch 1/1 .*?  (\d+) s, ", _output(words, variables).stderr)
    if said is None:
        raise UserError("The training does not say how long its epoch took")
    return 3600 / max(1, int(said[1]))


def _output(
    words: tuple[str, ...], variables: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if name not in OPENMP}
    done = subprocess.run(
        [sys.executable, "-m", *words], env=clean | variables, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"The training has failed ({last})", got=" ".join(words))
    return done


def _checks(what: str, unit: str, speeds: Speeds) -> tuple[Check, ...]:
    typical = {key: float(np.median(values)) for key, values in speeds.items()}
    ours, beside = typical["sleeping", False], typical["sleeping", True]
    theirs, disturbed = typical["spinning", False], typical["spinning", True]
    runs = tuple(
        f"{policy}, {'beside a busy process' if busy else 'alone'}: "
        + ", ".join(f"{value:.2f}" for value in values)
        for (policy, busy), values in speeds.items()
    )
    return (
        Check(
            name=f"{what} beside one busy process, {CORES} cores, {unit}",
            demanded=f"at least {100 * LEAST_BESIDE:.0f}% of those alone",
            measured=f"{beside:.1f} of {ours:.1f} ({100 * beside / ours:.0f}%); threads that spin: "
            f"{disturbed:.1f} of {theirs:.1f} ({100 * disturbed / theirs:.0f}%)",
            met=beside >= LEAST_BESIDE * ours,
            runs=runs,
        ),
        Check(
            name=f"{what} alone, {CORES} cores, threads that sleep against threads that spin",
            demanded=f"at least {100 * LEAST_ALONE:.0f}% of the speed",
            measured=f"{100 * ours / theirs:.0f}%",
            met=ours >= LEAST_ALONE * theirs,
        ),
    )


@contextmanager
def _on_cores(number: int) -> Iterator[None]:
    """Keep this process, and those that it starts, on so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-number:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _neighbour() -> Iterator[None]:
    """Let another process be busy on the same cores."""
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinner.kill()
        spinner.wait()
