"""A fleet by hand: who drifts, what adds up, and what a gate says at its limit."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from watched import LABELS, reference

from benchmarks.fleet import analysis, gating, reading
from benchmarks.fleet.analysis import by_release, device_entries, release_entries
from benchmarks.fleet.reading import Device
from benchmarks.fleet.schema import DeviceEntry, Status
from edgepress.core.errors import UserError
from edgepress.device.watch import Watch
from edgepress.device.watch.signals import BINS

KNOWN, OTHER = reference(window=50), reference(n=200, window=50)
"""At a rate of 1%."""


def device(
    name: str, complete: int = 10, alarmed: int = 0, run: int = 0, known: dict | None = KNOWN
) -> Device:
    """Return a device that has seen so many windows, and so many of them in alarm."""
    watch = Watch(known, LABELS)
    watch.images, watch.complete, watch.alarmed, watch.run = 50 * complete, complete, alarmed, run
    watch.total[:, 0] = watch.images
    return Device(name, watch)


def status(of: Device, devices: int = 1) -> Status:
    """Return the status of a device among so many that are quiet."""
    others = tuple(device(f"other-{number}") for number in range(devices - 1))
    found = {one.name: one.status for one in device_entries(by_release((of, *others)))}
    return found[of.name]


def test_a_single_device_drifts_from_its_first_window_in_alarm() -> None:
    assert status(device("x", alarmed=1, run=1)) == "drift"
    assert status(device("x", complete=100, alarmed=1, run=0)) == "quiet"
    assert status(device("x", complete=0)) == "undecided"


def test_of_many_devices_it_takes_more_in_a_row() -> None:
    """And the alarms of the fleet are no streak of anyone."""
    assert status(device("x", alarmed=1, run=1), devices=2) == "quiet"
    assert status(device("x", alarmed=2, run=2), devices=2) == "drift"
    ones = tuple(device(f"x{number}", complete=100, alarmed=1, run=1) for number in range(3))
    assert {one.status for one in device_entries(by_release(ones))} == {"quiet"}


def test_what_was_in_alarm_more_often_than_chance_drifted_earlier() -> None:
    # of 10 windows at 1%: one or more by chance in 9.6%, two or more in 0.43%
    assert status(device("x", alarmed=1)) == "quiet"
    assert status(device("x", alarmed=2)) == "earlier"
    assert status(device("x", alarmed=2), devices=2) == "earlier"  # 0.43% <= 0.5%
    assert status(device("x", alarmed=2), devices=3) == "quiet"
    assert status(device("x", alarmed=3), devices=3) == "earlier"


def test_a_broken_device_is_broken_whatever_else() -> None:
    broken = device("x", complete=0)
    broken.watch.invalid = 1
    assert status(broken) == "broken"


def test_the_entry_of_a_device_by_hand() -> None:
    one = device("x", complete=4, alarmed=1)
    rows = {name: one.watch.signals.index(name) for name in ("labels", "near_threshold")}
    one.watch.total[:] = 0
    one.watch.total[rows["labels"], [0, 1, 2]] = (50, 100, 50)
    one.watch.total[rows["near_threshold"], [0, 1]] = (150, 50)
    one.watch.latency = Counter({0: 98, 10: 2})
    (entry,) = device_entries(by_release((one,)))
    assert (entry.images, entry.windows, entry.alarmed, entry.run) == (200, 4, 1, 0)
    assert entry.expected == pytest.approx(0.04)
    assert (entry.labels_per_image, entry.near_threshold) == (1.0, 0.25)
    short, long = (1e-5 * 1.1 ** (place + 0.5) for place in (0, 10))
    assert entry.latency_s == pytest.approx({"p50": short, "p90": short, "p99": long})


def test_what_cannot_be_said_is_none() -> None:
    nothing = device("x", complete=0)
    assert analysis._mean(nothing.watch, "labels") is None
    bare = Watch(None, {"names": ["a"]})
    bare.images = 1
    assert analysis._mean(bare, "labels") is None


def test_the_largest_release_is_first_and_what_wants_attention_before_the_rest() -> None:
    fleet = (
        device("b", known=OTHER),
        device("z"),
        device("a"),
        device("d", complete=0),
        device("c", alarmed=3, run=3),
        device("e", alarmed=4, run=4),
    )
    releases = by_release(fleet)
    assert [[one.name for one in group] for group in releases] == [["z", "a", "d", "c", "e"], ["b"]]
    entries = device_entries(releases)
    assert [one.name for one in entries] == ["e", "c", "d", "a", "b", "z"]
    assert [one.release for one in entries] == [0, 0, 0, 0, 1, 0]


def test_a_release_adds_up_its_devices_and_draws_three_that_drift() -> None:
    fleet = [device(f"d{number}", alarmed=9, run=9) for number in range(4)] + [device("quiet")]
    for one in fleet[:4]:
        one.watch.latest.alarm("psi", "brightness", 9.0)
        one.watch.latest.counts[2, 7] = 50
        one.watch.latest.images = 50
    other = device("other", complete=1, known=OTHER)
    releases = by_release((*fleet, other))
    first, second = release_entries(releases, device_entries(releases))
    assert (first.devices, first.images, second.devices, second.images) == (5, 2500, 1, 50)
    assert (first.window, first.false_alarms, first.reference_images) == (50, 0.01, 300)
    assert first.needed_run == second.needed_run == 2
    found = {one.name: one for one in first.signals}
    assert found["brightness"].fleet == (2500, *[0] * (BINS - 1))
    assert list(found["brightness"].drifting) == ["d0", "d1", "d2"]
    assert found["brightness"].drifting["d0"][7] == 50
    assert found["sharpness"].drifting == {}
    assert found["brightness"].reference == tuple(KNOWN["signals"]["brightness"]["counts"])
    assert len(found["brightness"].edges) == BINS + 1


def test_a_state_counts_once_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "roof" / "state.json"
    file.parent.mkdir()
    file.write_text(json.dumps(device("x", complete=0).watch.state()))
    (tmp_path / "link.json").symlink_to(file)
    named = [file, Path("roof/state.json"), Path("roof"), tmp_path / "link.json"]
    assert len(reading.read(named, skip_bad=False)) == 1
    other = tmp_path / "other.json"
    other.write_text(file.read_text())
    assert len(reading.read([*named, other], skip_bad=False)) == 2


def test_devices_are_called_by_their_folder_or_file_and_sorted_so(tmp_path: Path) -> None:
    for name in ("a/zebra.json", "b/state.json", "c/x/state.json", "d/x/state.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(device("x", complete=0).watch.state()))
    named = [tmp_path / "a" / "zebra.json", tmp_path / "b", tmp_path / "c", tmp_path / "d"]
    twins = [str(tmp_path / name / "x" / "state.json") for name in "cd"]
    assert [one.name for one in reading.read(named, skip_bad=False)] == [*twins, "b", "zebra"]
    assert reading._names((Path("/state.json"),)) == ["/state.json"]


def entry(of: Status) -> DeviceEntry:
    (made,) = device_entries(by_release((device("x"),)))
    return made.model_copy(update={"status": of})


@pytest.mark.parametrize(
    ("limit", "statuses", "outcome", "measured", "margin"),
    [
        ("0", ("quiet", "earlier"), "pass", 0, 0),
        ("0", ("quiet", "drift"), "fail", 0.5, -0.5),
        ("0", ("quiet", "broken"), "fail", 0.5, -0.5),
        ("50%", ("quiet", "drift"), "pass", 0.5, 0),
        ("49%", ("quiet", "drift"), "fail", 0.5, -0.01),
        ("0", ("quiet", "undecided"), "inconclusive", 0, -0.5),
        ("50%", ("quiet", "undecided"), "pass", 0, 0),
        ("25%", ("drift", "quiet", "undecided", "quiet"), "inconclusive", 0.25, -0.25),
        ("20%", ("drift", "quiet", "undecided", "quiet"), "fail", 0.25, -0.05),
    ],
)
def test_a_gate_on_a_fleet(
    limit: str, statuses: tuple[Status, ...], outcome: str, measured: float, margin: float
) -> None:
    (gate,) = gating.parse((f"drifting <= {limit}",))
    found = gating.check(gate, tuple(map(entry, statuses)))
    assert found.outcome == outcome
    assert found.measured == pytest.approx(measured)
    assert found.margin == pytest.approx(margin)
    troubled = sum(one in ("drift", "broken") for one in statuses)
    assert found.reason.startswith(f"{troubled} of {len(statuses)} devices drift or are broken")
    assert ("1 cannot be judged yet" in found.reason) == ("undecided" in statuses)


@pytest.mark.parametrize("text", ["map >= 0.9", "drifting <= 0 vs other", "size <= 1MB"])
def test_gates_on_other_things_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="share of drifting devices only"):
        gating.parse(("drifting <= 0", text))
    assert np.isfinite(gating.parse(("drifting <= 0",))[0].limit)
