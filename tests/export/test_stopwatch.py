"""The quick timings of the search, on files that do a known amount of work."""

from pathlib import Path

import onnx
import pytest

from benchmarks.candidates import open_model
from benchmarks.selftest import synthetic
from compress.core.errors import UserError
from export.int8 import timing
from export.int8.timing import Stopwatch

CONVS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `one.onnx`, and `two.onnx` with twice the work."""
    made = tmp_path_factory.mktemp("files")
    for number, name in ((1, "one"), (2, "two")):
        synthetic.write(made / f"{name}.onnx", number * CONVS)
    return made


@pytest.fixture
def stopwatch(folder: Path) -> Stopwatch:
    return Stopwatch(as_model=open_model, reference=folder / "one.onnx", provider="cpu", threads=1)


def test_twice_the_work_is_slower_and_the_same_is_not(folder: Path, stopwatch: Stopwatch) -> None:
    """Wide bounds: the truth is 0.5 and 1, and other processes may run beside the tests."""
    twice = stopwatch.speedup(folder / "two.onnx")
    same = stopwatch.speedup(folder / "one.onnx")
    assert 0.3 < twice < 0.75
    assert 0.75 < same < 1.33


def test_half_the_work_is_faster(folder: Path) -> None:
    stopwatch = Stopwatch(open_model, folder / "two.onnx", "cpu", 1)
    assert 1.33 < stopwatch.speedup(folder / "one.onnx") < 3.5


def test_a_long_timing_ends_early(
    folder: Path, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []
    fastest = timing._fastest

    def counted(*args: object) -> float:
        rounds.append(fastest(*args))
        return rounds[-1]

    monkeypatch.setattr(timing, "_fastest", counted)
    monkeypatch.setattr(timing, "LONGEST_S", 0.0)
    stopwatch.speedup(folder / "one.onnx")
    assert len(rounds) == 2 * timing.ROUNDS_MIN
    monkeypatch.setattr(timing, "LONGEST_S", 60.0)
    stopwatch.speedup(folder / "one.onnx")
    assert len(rounds) == 2 * (timing.ROUNDS_MIN + timing.ROUNDS)


def test_the_median_leaves_out_what_other_processes_do(
    folder: Path, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [[3.0, 1.0], [3.0, 1.0], [60.0, 1.0], [3.0, 1.0], [3.0, 50.0]]
    planned = iter([time for pair in times for time in pair])
    monkeypatch.setattr(timing, "_fastest", lambda *_: next(planned))
    monkeypatch.setattr(timing, "ROUNDS", len(times))
    assert stopwatch.speedup(folder / "one.onnx") == 3.0


def test_a_gain_is_what_most_rounds_have_shown(
    folder: Path, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Float file, the file, the best so far: in two of five rounds the file is hardly faster."""
    times = [[4.0, 1.0, 2.0], [4.0, 1.0, 2.0], [4.0, 1.0, 1.01], [4.0, 1.0, 1.01], [8.0, 2.0, 4.0]]
    planned = iter([time for three in times for time in three])
    monkeypatch.setattr(timing, "_fastest", lambda *_: next(planned))
    monkeypatch.setattr(timing, "ROUNDS", len(times))
    found = stopwatch.compare(folder / "one.onnx", folder / "two.onnx")
    assert (found.speedup, found.gain) == (4.0, pytest.approx(1.01))


def test_twice_the_work_shows_in_the_gain(folder: Path, stopwatch: Stopwatch) -> None:
    found = stopwatch.compare(folder / "one.onnx", folder / "two.onnx")
    assert found.gain > 1.2
    assert 0.75 < found.speedup < 1.33


def test_every_convolution_has_a_time(folder: Path, stopwatch: Stopwatch) -> None:
    file = folder / "named.onnx"
    model = onnx.load(folder / "two.onnx")
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    onnx.save(model, file)
    found = stopwatch.conv_seconds(file, model)
    names = [node.name for node in model.graph.node if node.op_type == "Conv"]
    assert sorted(found) == sorted(names)
    first = found.pop(names[0])  # a 1x1 convolution of three channels
    assert 0 < first < min(found.values())


def test_a_runtime_without_a_profile_tells_no_times(
    folder: Path, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "profile", lambda session, image: None)
    assert stopwatch.conv_seconds(folder / "one.onnx", onnx.load(folder / "one.onnx")) == {}


def test_a_provider_that_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="provider"):
        Stopwatch(open_model, folder / "one.onnx", "cpuu", 1).speedup(folder / "one.onnx")
