"""The command that makes the page again, and what the limits mean."""

from benchmarks.fleet.schema import FleetReport, ReleaseEntry
from benchmarks.fleet.sections._parts import devices
from benchmarks.report.facts import facts
from benchmarks.report.page import Values

TITLE = "How this was made"
ORDER = 90


def values(report: FleetReport) -> Values:
    """Return what is known of each reference."""
    return {
        "facts_of": {
            f"Reference {place}": facts(_facts(one)) for place, one in enumerate(report.releases, 1)
        }
    }


def _facts(release: ReleaseEntry) -> dict[str, object]:
    if release.window is None:
        return {"devices": devices(release.devices), "reference": "none: nothing to compare with"}
    return {
        "devices": devices(release.devices),
        "images of the reference": release.reference_images,
        "images in a window": release.window,
        "unchanged windows in alarm, at most": f"{100 * (release.false_alarms or 0):g}%",
        "windows in a row that make a drift": release.needed_run,
    }
