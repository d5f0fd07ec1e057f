"""The command that makes the page again, and what the limits mean."""

from markupsafe import Markup

from benchmarks.fleet.schema import FleetReport, ReleaseEntry
from benchmarks.fleet.sections._parts import devices
from benchmarks.report.sections.reproduce import facts

TITLE = "How this was made"
ORDER = 90


def render(report: FleetReport) -> str:
    """Return the command, and how a drift is told from chance."""
    cards = Markup("").join(
        Markup('<div class="card"><h3>Reference {}</h3>{}</div>').format(place, facts(_facts(one)))
        for place, one in enumerate(report.releases, 1)
    )
    return Markup(
        '<pre class="command" tabindex="0"><code>{}</code></pre>'
        '<p class="lead">{}</p><div class="grid wide">{}</div>'
    ).format(report.command, _METHOD, cards)


_METHOD = (
    "Each device compares a window of images with the reference: the population stability index "
    "(PSI) of every histogram when the window is whole, and Page-Hinkley image by image. The "
    "limits were simulated from the reference for this size of the window, so that of unchanged "
    "windows at most the stated share is in alarm; the usual 0.1 and 0.25 are not used. A device "
    "drifts when so many of its latest windows are in alarm that hardly any of as many unchanged "
    "devices would be. Images that depend on each other, as the frames of one scene do, are in "
    "alarm more often."
)


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
