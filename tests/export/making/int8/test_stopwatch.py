"""The quick timings of the search, on files that do a known amount of work."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.claims.selftest import synthetic
from benchmarks.evaluation.candidates import open_model
from edgepress.core.errors import UserError
from export.making.int8 import timing
from export.making.int8.timing import Comparison, Stopwatch

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


class Bench:
    """Runs of made-up files: `old` in float, the `best` so far, and the one that is `tried`."""

    def __init__(self, seconds: Callable[[str, int], float]) -> None:
        """Take so long for the run of a file by its name and the number of the run."""
        self.ran, self.now, self._seconds = list[str](), 0.0, seconds

    def fastest(self, session: str, image: object) -> float:
        taken = self._seconds(session, len(self.ran))
        self.ran.append(session)
        self.now += taken
        return taken

    def perf_counter(self) -> float:
        return self.now

    def compare(self, monkeypatch: pytest.MonkeyPatch) -> Comparison:
        made_up = Stopwatch(open_model, Path("old"), "cpu", 1)
        session = type("Session", (str,), {"run": lambda self, image: None})
        monkeypatch.setattr(Stopwatch, "open", lambda self, path: session(path.name))
        monkeypatch.setattr(Stopwatch, "image", lambda self: None)
        monkeypatch.setattr(timing, "_fastest", self.fastest)
        monkeypatch.setattr(timing, "time", self)
        return made_up.compare(Path("tried"), Path("best"))


def times(gain: float, spread: float, seed: int, drift: float = 0.0) -> Callable[[str, int], float]:
    """Return times with noise, each later run slower by a share."""
    rng = np.random.default_rng(seed)
    base = {"old": 0.004, "best": 0.002, "tried": 0.002 / gain}

    def seconds(name: str, number: int) -> float:
        noise = spread * rng.standard_t(2)
        return base[name] * (1 + drift) ** min(number, 200) * float(np.exp(np.clip(noise, -2, 3)))

    return seconds


def test_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve rounds, in two of which the file is hardly faster: 2nd and 11th decide."""
    hardly = {"tried": iter([1.0] * 12), "old": iter([4.0] * 12)}
    best = iter([2.0] * 6 + [1.01] * 2 + [2.5] * 4)
    drawn = {**hardly, "best": best}
    bench = Bench(lambda name, _: next(drawn[name]))
    found = bench.compare(monkeypatch)
    assert (found.speedup, found.gain) == (4.0, 2.0)
    assert found.gain_ci95 == (pytest.approx(1.01), 2.5)
    assert not found.worth, "1.01 is below what is worth a change"
    assert found.decided is False
    assert len(bench.ran) == 36, "and 84 s are more than 6"


@pytest.mark.parametrize(
    ("interval", "worth", "decided"),
    [
        ((1.016, 1.5), True, True),
        ((1.014, 1.5), False, False),
        ((0.9, 1.014), False, True),
        ((0.9, 1.016), False, False),
        ((0.0, np.inf), False, False),
    ],
)
def test_what_is_not_decided_keeps_the_earlier_file(
    interval: tuple[float, float], worth: bool, decided: bool
) -> None:
    found = Comparison(1.2, 1.1, interval)
    assert (found.worth, found.decided) == (worth, decided)


@pytest.mark.parametrize("drift", [0.0, 0.03])
@pytest.mark.parametrize("spread", [0.01, 0.2])
def test_a_file_as_fast_as_the_best_is_kept_at_most_one_time_in_twenty(
    monkeypatch: pytest.MonkeyPatch, spread: float, drift: float
) -> None:
    """By order, drift or luck: a fixed order of runs would favour one of the two."""
    kept = [Bench(times(1.0, spread, seed, drift)).compare(monkeypatch).worth for seed in range(40)]
    assert sum(kept) <= 2


def test_a_file_that_is_a_quarter_faster_is_kept_on_a_noisy_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = [Bench(times(1.25, 0.2, seed)).compare(monkeypatch).worth for seed in range(40)]
    assert sum(kept) >= 38


def test_noise_that_hits_every_other_run_does_not_choose_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A neighbour that takes each third or each second run: periodic noise meets no fixed place."""
    for period in (2, 3, 4, 6):
        bench = Bench(
            lambda name, n, p=period: (4e-3 if name == "old" else 2e-3) * (1 + (n % p == 0))
        )
        assert not bench.compare(monkeypatch).worth


def test_the_same_times_give_the_same_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = (Bench(times(1.03, 0.05, 7)) for _ in range(2))
    assert first.compare(monkeypatch) == again.compare(monkeypatch)
    assert first.ran == again.ran


def test_rounds_go_on_until_decided_or_late(monkeypatch: pytest.MonkeyPatch) -> None:
    clear, close = Bench(times(1.5, 0.01, 0)), Bench(times(timing.WORTH, 0.05, 0))
    assert clear.compare(monkeypatch).worth
    assert len(clear.ran) == 3 * timing.ROUNDS
    assert not close.compare(monkeypatch).decided
    assert timing.LONGEST_S <= close.now < timing.LONGEST_S + 1
    assert {close.ran.count(name) for name in ("old", "best", "tried")} == {len(close.ran) // 3}


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
