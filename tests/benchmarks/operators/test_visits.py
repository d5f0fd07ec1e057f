"""What one visit takes of many runs, and by which clock."""

import sys
import time
from pathlib import Path

import onnxruntime as ort
import pytest
from timed_variants import written

from benchmarks.operators import variants, visits
from benchmarks.runtimes import _events
from benchmarks.runtimes._events import Node

CONV = Node("0", "one", "Conv", "CPUExecutionProvider")


@pytest.mark.parametrize(
    ("threads", "clock"),
    [(1, time.thread_time if sys.platform.startswith("linux") else time.perf_counter),
     (2, time.perf_counter)],
)  # fmt: skip
def test_one_thread_has_its_own_clock_and_several_the_walls(
    tmp_path: Path, threads: int, clock
) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    file = written(tmp_path / "variants") / "variant-1.onnx"
    session = ort.InferenceSession(file, options, providers=[visits.PROVIDER])
    assert visits._clock(session) is clock


def test_the_first_run_and_disturbed_ones_do_not_count(tmp_path: Path, monkeypatch) -> None:
    visitor = visits.Visitor(variants.read(written(tmp_path / "variants")))
    taken = (0.5, 4.0, 1.0, 2.0, 3.0, 90.0)
    monkeypatch.setattr(visits, "_block", lambda session, image, more=0: taken)
    monkeypatch.setattr(visits.Visitor, "_profiled", lambda self, file: (1.0,))
    found = visitor.visit("variant-1.onnx")
    assert (found.plain_s, found.reference_s) == (2.0, (2.0, 2.0))


def test_a_node_takes_the_mean_of_the_runs_that_count() -> None:
    timed = [{CONV: micros} for micros in (30, 1, 2, 900)]
    assert _events.seconds(timed, fastest=0, slowest=0.5) == {CONV: pytest.approx(1.5e-6)}
    assert _events.seconds(timed) == {CONV: pytest.approx(16e-6)}


def test_a_session_under_the_profiler_runs_enough_after_it_is_warm(tmp_path: Path) -> None:
    visitor = visits.Visitor(variants.read(written(tmp_path / "variants")))
    found = visitor.visit("variant-0.onnx")
    assert len(found.nodes_s) == len(visitor.nodes["variant-0.onnx"]) >= 2
    assert 0 < sum(found.nodes_s) < 1
