"""Waiting for a quiet machine, on a made-up one."""

from pathlib import Path

import pytest

from benchmarks.timing import quiet_machine
from benchmarks.timing.quiet_machine import Waiting, cpu_pressure, waiting_share


class Busy:
    """Time that passes in sleep, and a system on which a task waits for a share of it."""

    def __init__(self, file: Path, quiet_from: float, share: float) -> None:
        self.now, self.waited, self._file = 0.0, 0.0, file
        self._quiet_from, self._share = quiet_from, share
        self.sleep(0)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited += 0 if self.now >= self._quiet_from else self._share * seconds
        self.now += seconds
        total = round(1e6 * self.waited)
        self._file.write_text(
            f"some avg10=6.21 avg60=1.00 avg300=2.00 total={total}\nfull avg10=0\n"
        )


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make(quiet_from: float, share: float = 0.5) -> Busy:
        machine = Busy(tmp_path / "cpu", quiet_from, share)
        monkeypatch.setattr(quiet_machine, "PRESSURE", tmp_path / "cpu")
        monkeypatch.setattr(quiet_machine, "time", machine)
        return machine

    return make


def test_the_share_of_waiting_is_read_from_the_system(busy) -> None:
    busy(quiet_from=100, share=0.4)
    assert waiting_share() == pytest.approx(0.4)
    assert cpu_pressure() == 6.21


def test_it_waits_until_the_machine_is_quiet_and_no_longer(busy) -> None:
    machine = busy(quiet_from=3.0)
    waiting = Waiting(end=1000)
    waiting.for_quiet()
    assert machine.now == pytest.approx(3.25)
    waiting.for_quiet()
    assert machine.now == pytest.approx(3.5), "one look"


def test_a_machine_that_stays_busy_is_waited_for_once(busy) -> None:
    machine = busy(quiet_from=1000)
    waiting = Waiting(end=1000)
    waiting.for_quiet()
    assert machine.now == pytest.approx(quiet_machine.LONGEST_S, abs=quiet_machine.LOOK_S)
    before = machine.now
    waiting.for_quiet()
    assert machine.now == before


def test_it_never_waits_beyond_the_time_that_there_is(busy) -> None:
    machine = busy(quiet_from=1000)
    Waiting(end=2.0).for_quiet()
    assert machine.now <= 2.25


def test_a_little_waiting_is_no_business(busy) -> None:
    machine = busy(quiet_from=1000, share=0.05)
    Waiting(end=1000).for_quiet()
    assert machine.now == quiet_machine.LOOK_S


def test_a_system_that_does_not_tell_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(quiet_machine, "PRESSURE", tmp_path / "nowhere")
    assert waiting_share() is None
    assert cpu_pressure() is None
    Waiting(end=1e12).for_quiet()
