"""`python -m benchmarks.claims.drift`: streams that drift or not, and what is counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colours import paint
from watched import LABELS, values

from benchmarks.claims.drift.cells import Cells
from benchmarks.claims.drift.result import Result, false_alarms, rows, scenario, sentence, share
from benchmarks.claims.drift.streams import Design, Tally, simulate

COMMAND = "benchmarks.claims.drift.__main__"
DESIGN = Design(
    references=3, streams=2, reference_images=150, before=120, after=200, window=80,
    false_alarms=0.02, share=1.8, label="crack", seed=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    """Return what is said of made-up images: darker is a whole spread darker, blur is nothing."""
    seen = values(600, seed=5)
    darker = seen - np.array([0, 0, 0.08, 0, 0, 0, 0, 0])
    changed = {"unchanged": seen, "darker": darker, "blur": seen}
    return simulate(Cells(LABELS, changed, (seen[:, :2] > 0).astype(np.float32)), DESIGN)


def test_a_drift_is_found_and_its_absence_is_not(tallies: dict[str, Tally]) -> None:
    found = {name: scenario(name, tally) for name, tally in tallies.items()}
    assert found["darker"].found.n == found["darker"].found.of == 6
    assert found["unchanged"].found.n == found["blur"].found.n <= 1
    assert found["more defects"].found.n > 1
    delay = found["darker"].delay_images
    assert delay is not None
    assert 5 < delay["p50"] <= delay["p90"] < 80
    assert found["darker"].found_by == {"page_hinkley brightness": 6}
    assert all(one.alarmed_before.n <= 1 for one in found.values())


def test_windows_in_alarm_are_counted(tallies: dict[str, Tally]) -> None:
    ours, others = false_alarms(tallies["unchanged"])
    assert ours.of == 6 * 4
    assert ours.n <= 1
    assert others["0.1"].n > 12, "a usual limit is wrong for so few images"
    assert others["0.1"].n >= others["0.25"].n
    assert tallies["darker"].alarmed_windows >= 6 * 2


def test_equal_seeds_give_equal_streams(tallies: dict[str, Tally]) -> None:
    seen = values(600, seed=5)
    same = dict.fromkeys(("unchanged", "darker", "blur"), seen)
    cells = Cells(LABELS, same, (seen[:, :2] > 0).astype(np.float32))
    again = simulate(cells, DESIGN)
    assert again["unchanged"] == tallies["unchanged"]
    assert again["more defects"] == tallies["more defects"]
    assert again["darker"] == again["unchanged"], "a change that changes nothing"


def test_a_share_has_wilsons_interval() -> None:
    low, high = share(0, 200).ci95
    assert low == 0
    assert high == pytest.approx(1.96**2 / (200 + 1.96**2), abs=1e-4)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 260 images of one colour each and the table of their labels."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    return paint(tmp_path / "pictures", 260)


SMALL = (
    "--label", "red", "--references", 1, "--streams", 2, "--reference-images", 60,
    "--before", 20, "--after", 30, "--window", 10, "--threads", 1,
)  # fmt: skip


def test_the_command_writes_what_it_found(
    command: Callable[..., Any], make_model: Any, pictures: Path, tmp_path: Path
) -> None:
    model, out = make_model("one"), tmp_path / "out" / "drift.json"
    words = ("--model", model.path, "--data", pictures, *SMALL, "--out", out)
    done = command(COMMAND, *words)
    assert done.code == 0, done.err
    found = Result.model_validate_json(out.read_text())
    assert found.model == "one"
    assert found.unchanged_windows.of == 2 * 5
    assert [one.name for one in found.scenarios] == ["unchanged", "darker", "blur", "more defects"]
    assert len(rows(found)) == 4
    assert sentence(found) in done.out.replace("\n", " ")
    assert len(list((tmp_path / "cache").glob("signals-*"))) == 3
    again = command(COMMAND, *words)
    assert again.code == 0
    same = Result.model_validate_json(out.read_text())
    assert same.scenarios == found.scenarios


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--after", 900), "too few images"),
        (("--label", "blue"), "no such label"),
        (("--reference-images", 10), "50"),
        (("--out", "."), "cannot be written"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    words: tuple[Any, ...],
    says: str,
    command: Callable[..., Any],
    make_model: Any,
    pictures: Path,
) -> None:
    model = make_model("one")
    done = command(COMMAND, "--model", model.path, "--data", pictures, *SMALL, *words)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
