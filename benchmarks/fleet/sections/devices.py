"""Every device: its status, what was found, and how quick it is."""

from markupsafe import Markup

from benchmarks.errors.sections._parts import table
from benchmarks.fleet.schema import DeviceEntry, FleetReport
from benchmarks.fleet.sections._parts import badge
from benchmarks.report import format as fmt

TITLE = "Devices"
ORDER = 10

MOST_ROWS, MOST_TOLD = 300, 12
"""More would make the page slow and long; `fleet.json` has them all."""
_HEAD = (
    "Device",
    "Status",
    "Found",
    "Images",
    "Windows in alarm",
    "Labels per image",
    "Doubtful",
    "Latency p50",
    "Latency p90",
    "Latency p99",
)


def render(report: FleetReport) -> str:
    """Return a row for each device, those that want attention first."""
    shown = report.devices[:MOST_ROWS]
    left_out = len(report.devices) - len(shown)
    caption = (
        "Windows in alarm of all complete windows, and how many of the latest in a row. Doubtful: "
        "share of images with a probability near its threshold. Latencies are exact to 5%."
    )
    if left_out:
        caption += f" {left_out:,} more devices are in fleet.json."
    rows = table("Devices", caption, _HEAD, [_row(one) for one in shown], "fleet")
    told = [_told(one) for one in report.devices if one.findings][:MOST_TOLD]
    return Markup('{}<div class="grid told">{}</div>').format(rows, Markup("").join(told))


def _row(one: DeviceEntry) -> Markup:
    cells = (
        f"{one.images:,}",
        Markup("{} of {}<small>{}</small>").format(one.alarmed, one.windows, _run(one)),
        fmt.UNDEFINED if one.labels_per_image is None else f"{one.labels_per_image:.2f}",
        fmt.percent(one.near_threshold),
        *(fmt.duration(one.latency_s[name]) for name in ("p50", "p90", "p99")),
    )
    return Markup('<tr><th scope="row">{}</th><td>{}</td><td class="told">{}</td>{}</tr>').format(
        one.name,
        badge(one.status),
        ", ".join(name.removeprefix("score:").replace("_", " ") for name in one.signals) or "–",
        Markup("").join(Markup("<td>{}</td>").format(cell) for cell in cells),
    )


def _told(one: DeviceEntry) -> Markup:
    """Return what was found in the latest window of a device, and since, in sentences."""
    texts = Markup("").join(Markup("<li>{}</li>").format(text) for text in one.findings)
    return Markup('<div class="card"><h3>{}</h3><ul>{}</ul></div>').format(one.name, texts)


def _run(one: DeviceEntry) -> str:
    return f"the latest {one.run}" if one.run else ""
