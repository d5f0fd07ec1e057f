"""`python -m benchmarks.fleet`: which devices drift, on one page, and the gate."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import CHROMIUM, LAPTOP, PHONE, running, watched
from watched import LABELS, reference, values

from benchmarks.fleet import analysis, reading, sections
from benchmarks.fleet.analysis import needed_run
from benchmarks.fleet.schema import FleetReport
from benchmarks.fleet.sections import PAGE
from benchmarks.report.page import fragment
from edgepress.core import registry
from edgepress.device.watch import Watch

COMMAND = "benchmarks.fleet.__main__"
Command = Callable[..., Any]
REFERENCE, OLDER = reference(window=50), reference(n=200, window=50)


def device(folder: Path, name: str, *rows: np.ndarray, known: dict | None = REFERENCE) -> Path:
    """Write the state of a device that has seen these images."""
    watch = Watch(known, LABELS)
    for one in np.concatenate(rows):
        watch.count(one, 0.002)
    file = folder / name / "state.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(watch.state()))
    return file


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of nine devices, of which one drifts, one did, and one is broken."""
    folder = tmp_path_factory.mktemp("fleet")
    for number in range(4):
        device(folder, f"roof-{number}", values(210, seed=number))
    device(folder, "dusk", values(100, 11), values(160, 12, darker=0.12))
    device(folder, "was-dark", values(150, 13, darker=0.12), values(150, 14))
    device(folder, "new", values(20, 15))
    device(folder, "older", values(120, 16), known=OLDER)
    device(folder, "<script>", values(60, 17), np.full((1, 8), np.nan))
    return folder


def entries(folder: Path) -> dict[str, Any]:
    found = analysis.device_entries(analysis.by_release(reading.read([folder], skip_bad=False)))
    return {one.name: one for one in found}


def test_each_device_has_the_status_that_it_deserves(fleet: Path) -> None:
    found = entries(fleet)
    status = {name: one.status for name, one in found.items()}
    assert status == {
        "<script>": "broken",
        "dusk": "drift",
        "was-dark": "earlier",
        "new": "undecided",
        "older": "quiet",
        **{f"roof-{number}": "quiet" for number in range(4)},
    }
    assert list(status)[:4] == ["<script>", "dusk", "was-dark", "new"]
    dusk = found["dusk"]
    assert dusk.signals == ("brightness",)
    assert (dusk.windows, dusk.alarmed, dusk.run) == (5, 3, 3)
    assert dusk.expected == pytest.approx(0.05)
    assert dusk.latency_s["p99"] == pytest.approx(0.002, rel=0.05)


def test_devices_add_up_by_their_reference(fleet: Path) -> None:
    releases = analysis.by_release(reading.read([fleet], skip_bad=False))
    assert [len(group) for group in releases] == [8, 1]
    first, second = analysis.release_entries(releases, tuple(entries(fleet).values()))
    assert first.images == 4 * 210 + 260 + 300 + 20 + 60
    assert second.images == 120
    assert (first.reference_images, second.reference_images) == (300, 200)
    brightness = next(one for one in first.signals if one.name == "brightness")
    assert sum(brightness.fleet) == first.images
    assert {name: sum(counts) for name, counts in brightness.drifting.items()} == {"dusk": 50}
    assert not next(one for one in first.signals if one.name == "sharpness").drifting


def test_the_more_devices_the_more_windows_it_takes() -> None:
    rates = (0.01, 0.05)
    for rate in rates:
        for devices in (1, 2, 19, 20, 21, 100, 101, 5000):
            run = needed_run(devices, rate)
            assert devices * rate**run <= rate * (1 + 1e-9)
            assert run == 1 or devices * rate ** (run - 1) > rate


def test_a_fleet_without_a_reference_is_shown_and_not_judged(tmp_path: Path) -> None:
    device(tmp_path, "one", values(70), known=None)
    (found,) = entries(tmp_path).values()
    assert (found.status, found.images) == ("undecided", 70)


@pytest.fixture
def told(fleet: Path, tmp_path: Path, command: Command) -> tuple[FleetReport, str]:
    done = command(COMMAND, fleet, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    text = (tmp_path / "out" / PAGE.json_file).read_text()
    assert "dusk" in done.out
    return FleetReport.model_validate_json(text), (tmp_path / "out" / PAGE.html_file).read_text()


def test_the_page_says_the_same_and_is_safe(told: tuple[FleetReport, str]) -> None:
    report, html = told
    assert html == PAGE.html(report), "the same states give the same bytes"
    assert "2 of 9 devices need attention" in html
    assert "Brightness: changed on 1 device (dusk)" in html
    assert "&lt;script&gt;" in html
    assert '<th scope="row"><script>' not in html
    assert ">nan" not in html.lower()


@pytest.mark.parametrize("name", registry.names(sections.__name__))
def test_a_section_has_a_title_and_says_something(name: str, told: tuple[FleetReport, str]) -> None:
    section = registry.find(sections.__name__, name, "section")
    assert section.TITLE
    assert len(fragment(section, told[0])) > 100
    assert f'id="{name}"' in told[1]


@pytest.mark.parametrize(
    ("limit", "kept", "code"),
    [
        ("drifting <= 0", "*", 3),
        ("drifting <= 20%", "*", 3),
        ("drifting <= 50%", "*", 0),
        ("drifting <= 0", "roof-*", 0),
        ("drifting <= 0", "new", 4),
        ("drifting <= 100%", "new", 0),
    ],
)
def test_the_gate_ends_by_its_verdict(
    limit: str, kept: str, code: int, fleet: Path, tmp_path: Path, command: Command
) -> None:
    done = command(COMMAND, *sorted(fleet.glob(kept)), "--gate", limit, "--out", tmp_path)
    assert done.code == code, done.err
    assert "drifting" in done.out
    assert (tmp_path / PAGE.html_file).is_file()


def test_a_file_that_is_named_twice_counts_once(fleet: Path) -> None:
    file = fleet / "new" / "state.json"
    assert len(reading.read([file, fleet / "new", file], skip_bad=False)) == 1


def test_devices_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for site in ("north", "south"):
        device(tmp_path / site, "roof", values(10))
    names = [one.name for one in reading.read([tmp_path], skip_bad=False)]
    assert len(set(names)) == 2
    assert all("roof" in name for name in names)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "No state of a device was given"),
        (("nowhere.json",), "cannot be read"),
        (("damaged.json",), "no state of a watch"),
        (("empty",), "no state.json below"),
        (("good", "--gate", "map >= 0.5"), "share of drifting devices only"),
        (("good", "--gate", "drifting >= 1"), "points the wrong way"),
        (("damaged.json", "--skip-bad-files"), "There is no state of a watch"),
    ],
)
def test_bad_input_is_one_message(
    arguments: tuple[str, ...], says: str, tmp_path: Path, command: Command
) -> None:
    device(tmp_path, "good", values(10))
    (tmp_path / "damaged.json").write_text('{"schema_version": 1}')
    (tmp_path / "empty").mkdir()
    words = [str(tmp_path / a) if (a[0] != "-" and " " not in a) else a for a in arguments]
    done = command(COMMAND, *words, "--out", tmp_path / "out")
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_bad_files_can_be_passed_over(fleet: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "damaged.json").write_text("{")
    words = (fleet / "roof-0", tmp_path / "damaged.json", "--skip-bad-files")
    done = command(COMMAND, *words, "--out", tmp_path / "out")
    assert done.code == 0
    assert "skipped" in done.err
    assert "1 device," in done.out


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_opens_on_a_laptop_and_a_phone(
    told: tuple[FleetReport, str], tmp_path: Path
) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    file = tmp_path / "fleet.html"
    file.write_text(told[1])
    with running() as browser:
        for size, scheme in ((LAPTOP, "light"), (PHONE, "dark")):
            seen = watched(browser, file.as_uri(), size, scheme)
            assert seen.said == []
            assert seen.asked == [file.as_uri()]
            assert seen.fits
            assert seen.plots >= 16
