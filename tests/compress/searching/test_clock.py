"""The hours are kept: nothing is begun that cannot end, and what is late is stopped."""

import subprocess
import sys

import pytest

from compress.searching.clock import Clock, expected_s
from edgepress.core.search import Rung, TrialRecord

EPOCHS = (3, 8, 24)


def trial(number: int, *seconds: float, beside: float = 0.0, state: str = "running") -> TrialRecord:
    rungs = tuple(Rung(epochs=e, map=0.5, seconds=s) for e, s in zip(EPOCHS, seconds, strict=False))
    whole = {"number": number, "state": state, "choices": {}, "rungs": rungs}
    return TrialRecord.model_validate({**whole, "seconds": sum(seconds) + beside})


def test_a_rung_takes_what_its_epochs_took_before() -> None:
    assert expected_s(trial(0, 6.0), [], 1, EPOCHS) == pytest.approx(1.15 * 10)
    assert expected_s(trial(0, 6.0, 15.0), [], 2, EPOCHS) == pytest.approx(1.15 * 48)


def test_the_first_rung_and_what_follows_the_last_take_what_others_took() -> None:
    others = [trial(n, 10.0 * n, 1, 1, beside=n, state="complete") for n in (1, 2, 3)]
    assert expected_s(trial(9), [], 0, EPOCHS) == 0
    assert expected_s(trial(9), others, 0, EPOCHS) == pytest.approx(1.15 * 20)
    assert expected_s(trial(9, 3.0, 5.0), others, 2, EPOCHS) == pytest.approx(1.15 * (16 + 2))


def test_the_finalists_have_their_time_of_the_hours() -> None:
    others = [trial(1, beside=60, state="complete")]
    assert Clock(1.0, 600).left_s(others, 3) == pytest.approx(3600 - 600 - 3 * 60 - 90, abs=1)
    assert Clock(1.0).left_s(others, 0) == pytest.approx(3600, abs=1)
    assert Clock(0.01).left_s(others, 3) == pytest.approx(36 * 0.7, abs=1), "at most 30%"
    assert Clock(None).left_s(others, 3) == float("inf")


STUBBORN = """
import time
from compress.searching import clock

def stubborn():
    while True:
        try:
            time.sleep(20)
        except Exception:
            continue

started = time.monotonic()
try:
    with clock.limited(0.05):
        stubborn()
except clock.OutOfTimeError:
    assert time.monotonic() - started < 10
    with clock.limited(float("inf")):
        time.sleep(0.001)
    print("stopped")
"""


def test_what_is_late_is_stopped_also_within_a_library_that_passes_over_errors() -> None:
    # in a process of its own: the signal is for its main thread, and not for a worker of pytest
    done = subprocess.run(
        [sys.executable, "-c", STUBBORN], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "stopped\n"
