"""What was found, in words and in figures, and the gates."""

from collections import Counter
from collections.abc import Iterator

from benchmarks.fleet.schema import DeviceEntry, FleetReport
from benchmarks.fleet.sections._parts import devices
from benchmarks.report.page import Values
from edgepress.device.watch.findings import spoken

TITLE = "Overview"
ORDER = 0

MOST_NAMED = 5


def values(report: FleetReport) -> Values:
    """Return what was found, and the key figures."""
    kind, title = _title(report.devices)
    return {
        "kind": kind,
        "title": title,
        "findings": [*_findings(report)],
        "figures": [*_figures(report)],
    }


def _title(found: tuple[DeviceEntry, ...]) -> tuple[str, str]:
    count = Counter(one.status for one in found)
    bad, unknown = count["drift"] + count["broken"], count["undecided"]
    if bad:
        return "fail", f"{bad:,} of {devices(len(found))} need attention"
    if unknown == len(found):
        return "none", "No device can be judged yet"
    judged = len(found) - unknown
    return "pass", f"No drift in {devices(judged)}" + (f", {unknown} not judged" * bool(unknown))


def _findings(report: FleetReport) -> Iterator[str]:
    by_status = {
        status: [one for one in report.devices if one.status == status]
        for status in ("broken", "drift", "earlier", "undecided")
    }
    if found := by_status["broken"]:
        yield f"The model's answers are no probabilities on {_named(found)}."
    drifting = by_status["drift"]
    signals = Counter(signal for one in drifting for signal in one.signals)
    for signal, count in signals.most_common():
        where = [one for one in drifting if signal in one.signals]
        shared = " A cause that they share is likely." if count > 1 else ""
        yield f"{spoken(signal)}: changed on {_named(where)}.{shared}"
    if found := by_status["earlier"]:
        yield f"More windows in alarm than chance explains, but not the latest: {_named(found)}."
    if found := by_status["undecided"]:
        yield f"No window is complete yet, or there is no reference: {_named(found)}."


def _named(found: list[DeviceEntry]) -> str:
    names = ", ".join(one.name for one in found[:MOST_NAMED])
    more = len(found) - MOST_NAMED
    return f"{devices(len(found))} ({names}{f' and {more} more' if more > 0 else ''})"


def _figures(report: FleetReport) -> Iterator[tuple[str, str, str]]:
    found = report.devices
    releases = len(report.releases)
    versions = f"{releases} references" if releases > 1 else "all with one reference"
    yield "Devices", f"{len(found):,}", versions
    images = sum(one.images for one in found)
    yield "Images seen", f"{images:,}", "counted on the devices; none has left them"
    windows, alarmed = sum(one.windows for one in found), sum(one.alarmed for one in found)
    expected = sum(one.expected for one in found)
    detail = f"of {windows:,}; at most {expected:.1f} expected where nothing has changed"
    yield "Windows in alarm", f"{alarmed:,}", detail
