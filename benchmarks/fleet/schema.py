"""`fleet.json`, schema 1: what the watches of many devices say."""

from typing import Literal

from benchmarks.report.schema import GateEntry
from edgepress.core.noun import Noun

Status = Literal["drift", "broken", "earlier", "undecided", "quiet"]
"""Drifts now; the model's answers are no probabilities; drifted before; has not filled a window or
has no reference; nothing found."""


class DeviceEntry(Noun):
    """One device."""

    name: str
    status: Status
    release: int
    """Place of its release in the report."""
    images: int
    invalid: int
    """Answers that were no probabilities."""
    windows: int
    """Complete windows."""
    alarmed: int
    """Of them in alarm."""
    expected: float
    """Of them in alarm where nothing has changed, at most."""
    run: int
    """The latest windows in alarm, in a row."""
    findings: tuple[str, ...]
    """Of the latest whole window, and of the open one so far, in words."""
    signals: tuple[str, ...]
    """In alarm there."""
    labels_per_image: float | None
    near_threshold: float | None
    """Share of the images with a doubtful label."""
    latency_s: dict[str, float | None]
    """`p50`, `p90`, `p99`, each within 5%."""


class SignalEntry(Noun):
    """One signal of a release: counts by bin."""

    name: str
    title: str
    kind: str
    """Scale: `linear`, `logit` or `log2`."""
    edges: tuple[float, ...]
    """Edges of the bins, one more than there are."""
    reference: tuple[int, ...] | None
    fleet: tuple[int, ...]
    """All images of all devices."""
    drifting: dict[str, tuple[int, ...]]
    """The latest whole window of devices that drift in this signal, by name."""


class ReleaseEntry(Noun):
    """The devices that are compared with one reference."""

    reference_images: int | None
    """`None` where there is no reference."""
    window: int | None
    false_alarms: float | None
    """Share of unchanged windows in alarm, at most."""
    devices: int
    needed_run: int
    """Windows in alarm in a row that make a drift."""
    images: int
    signals: tuple[SignalEntry, ...]


class FleetReport(Noun):
    """All that was found."""

    schema_version: int = 1
    title: str
    command: str
    """The command that makes this report again."""
    devices: tuple[DeviceEntry, ...]
    """What wants attention first."""
    releases: tuple[ReleaseEntry, ...]
    gates: tuple[GateEntry, ...]
