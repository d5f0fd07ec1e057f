"""From the states of devices to the figures of the report.

A device drifts when its latest windows were in alarm so often in a row that among as many unchanged
devices not one in a hundred looks (at the reference's own rate of false alarms) would show it: one
window suffices for a single device, two for up to a hundred at a rate of 1%.
"""

import math
from functools import reduce

import numpy as np
from scipy.stats import binom

from benchmarks.fleet.reading import Device
from benchmarks.fleet.schema import DeviceEntry, ReleaseEntry, SignalEntry, Status
from edgepress.device.watch import Watch
from edgepress.device.watch.findings import spoken
from edgepress.device.watch.signals import BINS, Scale, edges, scales

MOST_DRAWN = 3
"""Devices of which a plot shows the latest window."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
ORDER: tuple[Status, ...] = ("broken", "drift", "earlier", "undecided", "quiet")

Releases = list[list[Device]]


def by_release(devices: tuple[Device, ...]) -> Releases:
    """Return the devices in groups that add up: with one reference, the largest group first."""
    groups: Releases = []
    for one in devices:
        known = (one.watch.reference, one.watch.labels)
        same = (g for g in groups if (g[0].watch.reference, g[0].watch.labels) == known)
        group = next(same, None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return sorted(groups, key=len, reverse=True)


def needed_run(devices: int, rate: float) -> int:
    """Return how many windows in a row must be in alarm, so that of all devices hardly any is.

    The smallest r with `devices * rate**r <= rate`.

    >>> needed_run(1, 0.01), needed_run(2, 0.01), needed_run(100, 0.01), needed_run(101, 0.01)
    (1, 2, 2, 3)
    """
    return 1 + math.ceil(math.log(devices) / -math.log(rate) - 1e-9)


def device_entries(releases: Releases) -> tuple[DeviceEntry, ...]:
    """Return every device, those that want attention first."""
    total = sum(map(len, releases))
    found = [
        _device(one, release, total) for release, group in enumerate(releases) for one in group
    ]
    return tuple(sorted(found, key=lambda one: (ORDER.index(one.status), -one.run, one.name)))


def release_entries(
    releases: Releases, entries: tuple[DeviceEntry, ...]
) -> tuple[ReleaseEntry, ...]:
    """Return the distributions of each release."""
    total = sum(map(len, releases))
    return tuple(_release(group, total, entries) for group in releases)


def _device(device: Device, release: int, devices: int) -> DeviceEntry:
    watch = device.watch
    rate = _rate(watch)
    found = watch.findings()
    return DeviceEntry(
        name=device.name,
        status=_status(watch, devices),
        release=release,
        images=watch.images,
        invalid=watch.invalid,
        windows=watch.complete,
        alarmed=watch.alarmed,
        expected=watch.complete * rate,
        run=watch.run,
        findings=tuple(dict.fromkeys(one.text for one in found)),
        signals=tuple(dict.fromkeys(one.signal for one in found)),
        labels_per_image=_mean(watch, "labels"),
        near_threshold=_mean(watch, "near_threshold"),
        latency_s={name: watch.latency_s(share) for name, share in QUANTILES.items()},
    )


def _rate(watch: Watch) -> float:
    return float(watch.reference["false_alarms"]) if watch.reference else 0.0


def _status(watch: Watch, devices: int) -> Status:
    rate = _rate(watch)
    if watch.invalid:
        return "broken"
    if not watch.complete:
        return "undecided"
    if watch.run >= needed_run(devices, rate):
        return "drift"
    by_chance = float(binom.sf(watch.alarmed - 1, watch.complete, rate))
    return "earlier" if by_chance <= rate / devices else "quiet"


def _mean(watch: Watch, signal: str) -> float | None:
    """Return the mean of a signal whose bins are whole numbers."""
    if signal not in watch.signals or not watch.images:
        return None
    counts = watch.total[watch.signals.index(signal)]
    return float((counts * np.arange(BINS)).sum() / watch.images)


def _release(group: list[Device], devices: int, entries: tuple[DeviceEntry, ...]) -> ReleaseEntry:
    first, fleet = group[0].watch, reduce(Watch.merge, (one.watch for one in group))
    known = first.reference
    return ReleaseEntry(
        reference_images=known["images"] if known else None,
        window=known["window"] if known else None,
        false_alarms=known["false_alarms"] if known else None,
        devices=len(group),
        needed_run=needed_run(devices, known["false_alarms"]) if known else 0,
        images=fleet.images,
        signals=tuple(
            _signal(fleet, name, scale, _drifting(group, name, entries))
            for name, scale in scales(first.labels).items()
        ),
    )


def _drifting(group: list[Device], signal: str, entries: tuple[DeviceEntry, ...]) -> list[Device]:
    """Return devices that drift in a signal, at most as many as are drawn."""
    names = {one.name for one in entries if one.status == "drift" and signal in one.signals}
    return [one for one in group if one.name in names][:MOST_DRAWN]


def _signal(fleet: Watch, name: str, scale: Scale, drifting: list[Device]) -> SignalEntry:
    row, known = fleet.signals.index(name), fleet.reference
    return SignalEntry(
        name=name,
        title=spoken(name),
        kind=scale.kind,
        edges=tuple(float(f"{edge:.6g}") for edge in edges(scale)),
        reference=tuple(known["signals"][name]["counts"]) if known else None,
        fleet=tuple(fleet.total[row].tolist()),
        drifting={one.name: tuple(one.watch.latest.counts[row].tolist()) for one in drifting},
    )
