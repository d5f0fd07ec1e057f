"""The latency tournament on a busy machine: equal models, and one that is 10% slower."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.claims.selftest import synthetic
from benchmarks.claims.selftest.check import Check
from benchmarks.comparison.bench import Bench, with_latency
from benchmarks.gates.verdicts import parse
from benchmarks.timing.tournament import LatencySettings
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.environment import usable_cores
from edgepress.core.gates import Outcome, Verdict

CONVS = 10
SETTINGS = LatencySettings(rounds_min=8, rounds_max=40, warmup_s=0.2, block_s=0.04)


def run(folder: Path, runs: int) -> tuple[Check, ...]:
    """Hold an equal and a slower model against `latency speedup >= 1`, `runs` times each."""
    reference = synthetic.write(folder / "reference.onnx", CONVS)
    equal = synthetic.write(folder / "equal.onnx", CONVS)
    slower = synthetic.write(folder / "slower.onnx", CONVS + CONVS // 10)
    with _busy_cores():
        alike = [
            _verdict((reference, equal), seed)
            for seed in console.track(range(runs), "equal models")
        ]
        planted = [
            _verdict((reference, slower), seed)
            for seed in console.track(range(runs), "10% slower models")
        ]
    wrong = runs - _count(alike, "inconclusive")
    caught, passed = _count(planted, "fail"), _count(planted, "pass")
    return (
        Check(
            name=f"equal models called faster or slower, every core busy, {runs} runs",
            demanded=f"at most {runs // 20}",
            measured=str(wrong),
            met=wrong <= runs // 20,
            runs=tuple(map(_shown, alike)),
        ),
        Check(
            name=f"a 10% slowdown is caught, every core busy, {runs} runs",
            demanded=f"at least {runs - runs // 20}, none passed",
            measured=f"{caught}, {passed} passed",
            met=caught >= runs - runs // 20 and not passed,
            runs=tuple(map(_shown, planted)),
        ),
    )


def _verdict(models: tuple[Artifact, Artifact], seed: int) -> Verdict:
    gate = parse("latency speedup >= 1")
    bench = Bench(models, ("reference", "candidate"))
    settings = SETTINGS.model_copy(update={"seed": seed})
    return with_latency(bench, (0, 1), settings, [gate]).check(gate, 1)


def _count(verdicts: list[Verdict], outcome: Outcome) -> int:
    return sum(verdict.outcome == outcome for verdict in verdicts)


def _shown(verdict: Verdict) -> str:
    return f"{verdict.outcome}: {verdict.reason}"


@contextmanager
def _busy_cores() -> Iterator[None]:
    """Keep every core that this process may use busy."""
    spinners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(usable_cores())
    ]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
