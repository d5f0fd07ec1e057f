"""What is said at the end, and what the bundle is called."""

from pathlib import Path

import pytest
import report_sample

from compress.recipes import handing_over
from compress.recipes.running import Place
from compress.recipes.steps import Packing
from edgepress.core.ending import Finding
from edgepress.core.errors import UserError


def place(out: Path) -> Place:
    return Place("elpv", out, skip_bad_images=False)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("cells", "cells"), ("my cells (2)", "my-cells-2"), ("a" * 120, "a" * 100), ("Ä", "model")],
)
def test_a_bundle_has_a_name_that_devices_take(tmp_path: Path, folder: str, name: str) -> None:
    assert handing_over.archive(place(tmp_path / folder)).name == f"{name}.zip"


@pytest.mark.parametrize(
    ("outcome", "reason", "advice"),
    [
        ("fail", "student: map drop <= 0.03: mAP drops by 5", "more --hours"),
        ("inconclusive", "student: map drop <= 0.03: mAP drops by 2", "more test images"),
        ("fail", "student-int8: latency speedup >= 4: 3 times", "--budget"),
        ("inconclusive", "student-int8: latency speedup >= 4: 4 times", "quieter machine"),
    ],
)
def test_advice_is_of_the_gate_that_was_not_met(
    tmp_path: Path, outcome, reason: str, advice: str
) -> None:
    report = report_sample.full_report()
    found = [Finding(outcome, reason), Finding("pass", "student: size <= 1MB: met")]
    *_, shipping, last = handing_over.lines(report, found, None, place(tmp_path))
    assert reason in last
    assert advice in last.partition("Next: ")[2]
    assert "size" not in last
    assert "not yet" in shipping


def test_a_bundle_of_an_earlier_run_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    where = place(tmp_path / "cells")
    where.out.mkdir()
    failed = [Finding("fail", "student: map drop <= 0.03: mAP drops by 5")]
    assert "earlier run" not in handing_over.lines(None, failed, None, where)[3]
    handing_over.archive(where).touch()
    assert "cells.zip is of an earlier run" in handing_over.lines(None, failed, None, where)[3]


@pytest.mark.parametrize("options", [{"relaese": 3}, {"camera": "big"}, {"sign": "nowhere.pem"}])
def test_options_of_the_bundle_are_checked_before_there_is_a_model(
    tmp_path: Path, options: dict[str, object]
) -> None:
    with pytest.raises(UserError, match=r"relaese|big|nowhere"):
        handing_over.check(Packing(model="@m", options=options), place(tmp_path), None)
