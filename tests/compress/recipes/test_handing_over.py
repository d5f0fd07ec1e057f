"""What is said at the end, and what the bundle is called."""

import importlib
import zipfile
from pathlib import Path

import pytest
import report_sample
from plans import manifest

from compress.recipes import handing_over
from compress.recipes.running import Place
from compress.recipes.steps import Packing
from edgepress.core.artifact import Artifact
from edgepress.core.ending import Finding
from edgepress.core.errors import UserError
from edgepress.device.bundle import SIGNATURE


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


def write_bundle(file: Path, content: dict[str, str]) -> Path:
    with zipfile.ZipFile(file, "w") as packed:
        for name, text in content.items():
            packed.writestr(name, text)
    return file


def test_a_key_is_asked_for_where_the_bundle_is_signed(tmp_path: Path) -> None:
    """A device refuses an unsigned bundle where it is given a key."""
    plain = write_bundle(tmp_path / "a.zip", {"manifest.json": "{}"})
    signed = write_bundle(tmp_path / "b.zip", {"manifest.json": "{}", SIGNATURE: ""})
    told = [handing_over.lines(None, (), one, place(tmp_path))[3] for one in (plain, signed)]
    assert "--key" not in told[0]
    assert "--sign KEY" in told[0]
    assert "install b.zip --root DIR --key public.pem" in told[1]


@pytest.mark.parametrize(
    ("content", "stated", "release"),
    [
        (None, {}, 1),
        ({"manifest.json": '{"id": "ours", "release": 3, "name": "x"}'}, {}, 3),
        ({"manifest.json": '{"id": "other", "release": 3}'}, {}, 4),
        ({"manifest.json": '{"id": "other", "release": 3}'}, {"release": 9}, 9),
        ({"manifest.json": "[]"}, {}, 1),
        ({"run.py": ""}, {}, 1),
    ],
)
def test_a_bundle_of_another_model_is_another_release(
    tmp_path: Path, monkeypatch, content: dict[str, str] | None, stated, release: int
) -> None:
    """Devices refuse a release that they have, and with more hours the model is another."""
    where, asked = place(tmp_path), []
    if content is not None:
        write_bundle(handing_over.archive(where), content)
    stage = importlib.import_module(handing_over.BUNDLING)
    monkeypatch.setattr(stage, "run", asked.append)
    model = Artifact(tmp_path, manifest(id="ours"))
    handing_over.bundled(Packing(model="@m", options=stated), where, {"m": model}, None)
    assert [one.release for one in asked] == [release]


@pytest.mark.parametrize("options", [{"relaese": 3}, {"camera": "big"}, {"sign": "nowhere.pem"}])
def test_options_of_the_bundle_are_checked_before_there_is_a_model(
    tmp_path: Path, options: dict[str, object]
) -> None:
    with pytest.raises(UserError, match=r"relaese|big|nowhere"):
        handing_over.check(Packing(model="@m", options=options), place(tmp_path), None)
