"""`python -m benchmarks.claims.false_alarms`: with small references and rare labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.claims import false_alarms
from edgepress.device.watch import unwatched
from edgepress.device.watch.making.building import from_values

COMMAND = "benchmarks.claims.false_alarms"
LABELS = {"names": ["rare", "often"], "thresholds": [0.5, 0.5]}


def test_the_smallest_reference_keeps_the_promise_on_rare_labels() -> None:
    """With the error of the reference left out, 13% of these windows were in alarm."""
    config = false_alarms.Config(references=8, windows=8, window=100)
    found = false_alarms.rate(config, 50)
    assert found.alarmed.of == 64
    assert found.alarmed.n <= 1
    assert found.worst <= 0.13


def test_a_label_found_once_is_left_to_psi_and_told() -> None:
    rng = np.random.default_rng(0)
    known = false_alarms.camera(50, (0.0, 0.3), rng)
    known[7, 0] = 5.0
    made = from_values(known, LABELS, 50)
    assert "score:rare" in unwatched(made)
    assert not {"score:often", "brightness", "width"} & set(unwatched(made))
    assert made["signals"]["score:rare"]["page_hinkley_limit"] is None
    assert made["signals"]["score:often"]["page_hinkley_limit"] > 0


def test_the_command_writes_what_it_counted(command: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "rates.json"
    done = command(
        COMMAND, "--sizes", 50, 60, "--references", 1, "--windows", 2, "--window", 20,
        "--prevalences", 0.1, "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    found = false_alarms.Result.model_validate_json(out.read_text())
    assert [one.reference_images for one in found.rates] == [50, 60]
    assert all(one.alarmed.of == 2 for one in found.rates)


@pytest.mark.parametrize("words", [("--sizes", 49), ("--windows", 0), ("--out", ".")])
def test_what_cannot_be_counted_is_refused(
    words: tuple[Any, ...], command: Callable[..., Any]
) -> None:
    done = command(COMMAND, "--references", 1, *words)
    assert done.code == 2
    assert "Traceback" not in done.err
