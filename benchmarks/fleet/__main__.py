"""`python -m benchmarks.fleet LOG ...` puts what many devices have counted on one page."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.comparison.entries import gate_entry
from benchmarks.fleet import analysis, gating, reading
from benchmarks.fleet.schema import DeviceEntry, FleetReport
from benchmarks.fleet.sections import PAGE
from benchmarks.report import format as fmt
from edgepress.core import console, ending, writable
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import Gates


class Config(Noun):
    """Merge the states of many devices into a report: which devices drift, and in what.

    Writes fleet.html and fleet.json. Exit code 3 when a gate fails, 4 when none fails but one
    cannot be decided because devices have not filled a window yet.
    """

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """The `state.json` files that devices with `--watch` write, or folders that hold them."""
    out: Path = Path("runs/fleet")
    """Folder of the report."""
    gate: Gates = ()
    """A demand on the fleet: `drifting <= 0` or `drifting <= 5%`, the share of the devices that
    drift, or whose model gives no probabilities."""
    skip_bad_files: bool = False
    """Go on without the files that are no states, and list them."""


def run(config: Config) -> FleetReport:
    """Read, write the report, print the table, and end by the verdict on the gates.

    Raises:
        UserError: bad files or gates, or a place that cannot be written to.
        GateFailed: a gate failed.
        GateUndecided: none failed, one is inconclusive.
    """
    wanted = gating.parse(config.gate)
    if not config.logs:
        raise UserError(
            "No state of a device was given",
            allowed="state.json files, or folders that hold them",
            next_step="python -m benchmarks.fleet LOG ...",
        )
    writable.check_folder(config.out, "The report's folder")
    releases = analysis.by_release(reading.read(config.logs, config.skip_bad_files))
    entries = analysis.device_entries(releases)
    verdicts = tuple(gating.check(gate, entries) for gate in wanted)
    report = FleetReport(
        title="Fleet",
        command=own_command("benchmarks.fleet"),
        devices=entries,
        releases=analysis.release_entries(releases, entries),
        gates=tuple(gate_entry(verdict) for verdict in verdicts),
    )
    PAGE.write(report, config.out)
    console.table(_title(entries), _HEADER, map(_row, entries))
    for gate in report.gates:
        console.result(f"{gate.verdict.upper():12} {gate.gate}: {gate.reason}")
    console.result(f"report: {config.out / PAGE.html_file}")
    ending.require(verdicts)
    return report


_HEADER = ("device", "status", "images", "windows in alarm", "p90 latency", "found")


def _title(entries: tuple[DeviceEntry, ...]) -> str:
    devices = "device" if len(entries) == 1 else "devices"
    return f"{len(entries)} {devices}, {sum(one.images for one in entries):,} images"


def _row(one: DeviceEntry) -> tuple[str, ...]:
    return (
        one.name,
        one.status,
        f"{one.images:,}",
        f"{one.alarmed} of {one.windows}",
        fmt.duration(one.latency_s["p90"]),
        ", ".join(one.signals),
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
