"""Every device: its status, what was found, and how quick it is."""

from benchmarks.fleet.schema import DeviceEntry, FleetReport, Status
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell
from benchmarks.report.page import Values

TITLE = "Devices"
ORDER = 10

MOST_ROWS, MOST_TOLD = 300, 12
"""More would make the page slow and long; `fleet.json` has them all."""
STATUS: dict[Status, tuple[str, str, str]] = {
    "broken": ("fail", "✕", "broken"),
    "drift": ("fail", "✕", "drifts"),
    "earlier": ("inconclusive", "?", "drifted before"),
    "undecided": ("none", "–", "not judged yet"),
    "quiet": ("pass", "✓", "nothing found"),
}
"""The verdict whose colour a status has, its icon, and the word."""
_HEAD = (
    "Device", "Status", "Found", "Images", "Windows in alarm", "Labels per image", "Doubtful",
    "Latency p50", "Latency p90", "Latency p99",
)  # fmt: skip


def values(report: FleetReport) -> Values:
    """Return a row for each device, those that want attention first."""
    shown = report.devices[:MOST_ROWS]
    return {
        "titles": _HEAD,
        "rows": [(one, STATUS[one.status], _found(one), _cells(one)) for one in shown],
        "left_out": len(report.devices) - len(shown),
        "told": [one for one in report.devices if one.findings][:MOST_TOLD],
    }


def _found(one: DeviceEntry) -> str:
    return ", ".join(name.removeprefix("score:").replace("_", " ") for name in one.signals) or "–"


def _cells(one: DeviceEntry) -> tuple[Cell, ...]:
    labels = fmt.UNDEFINED if one.labels_per_image is None else f"{one.labels_per_image:.2f}"
    return (
        Cell(f"{one.images:,}"),
        Cell(f"{one.alarmed} of {one.windows}", f"the latest {one.run}" if one.run else ""),
        Cell(labels),
        Cell(fmt.percent(one.near_threshold)),
        *(Cell(fmt.duration(one.latency_s[name])) for name in ("p50", "p90", "p99")),
    )
