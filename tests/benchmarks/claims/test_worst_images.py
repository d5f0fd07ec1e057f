"""The table of worst photographs: current, as promised, and able to say that it is not."""

import json
from pathlib import Path

import device_bundles
import pytest
from places import ROOT

from benchmarks.claims.worst_images.cases import CASES
from benchmarks.claims.worst_images.result import Result
from edgepress.device.serving.limits import Limits

STORED = ROOT / "docs" / "results" / "worst_images.json"


@pytest.fixture(scope="module")
def stored() -> Result:
    return Result.model_validate_json(STORED.read_text())


def test_every_photograph_is_in_the_stored_figures(stored: Result):
    assert [row.name for row in stored.rows] == [case.name for case in CASES]


def test_what_is_stored_is_as_promised(stored: Result):
    assert stored.faults() == []
    assert stored.memory_mb == Limits().memory_bytes / 1e6
    assert stored.together is not None
    assert stored.together.memory_bytes > max(row.memory_bytes for row in stored.rows)


def test_what_is_not_as_promised_is_told(stored: Result):
    told = json.loads(stored.model_dump_json())
    told["rows"][0] |= {"status": 200}
    told["rows"][1] |= {"memory_bytes": 513_000_000}
    told["together"] |= {"memory_bytes": 514_000_000, "answered": {"200": 1, "500": 1}}
    faults = Result.model_validate(told).faults()
    assert faults == [f"{stored.rows[0].name}: 200", "500", "513 MB", "514 MB"]


def test_what_is_no_bundle_is_bad_input(command, tmp_path: Path):
    path = device_bundles.zipped(tmp_path / "b.zip", device_bundles.files())
    for content in (path.read_bytes(), b"no zip"):
        path.write_bytes(content)
        done = command("benchmarks.claims.worst_images.__main__", path)
        assert done.code == 2
        assert "Traceback" not in done.err
