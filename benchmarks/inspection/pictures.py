"""Small pictures of the images that the page shows, by names that any file may have."""

from collections.abc import Iterator

from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import DataReport
from edgepress.core.hashing import value_hash
from edgepress.data.images import BadImage, look_at, small_jpeg

MOST_GROUPS = 20
MOST_MEMBERS = 6
MOST_SUSPECTS = 48
"""So many groups of copies, images of each, and suspects are shown."""


def picture_name(file: str) -> str:
    """Return how the page calls the picture of a file."""
    return value_hash(file)[:16]


def pictures(report: DataReport, opened: Opened) -> dict[str, bytes]:
    """Return a JPEG of every image that the page shows, by `picture_name`."""
    made = {}
    for file in dict.fromkeys(_shown(report)):
        try:
            made[picture_name(file)] = small_jpeg(look_at(opened.folder / file).image)
        except BadImage:
            continue  # it has gone since the survey: the page shows the name in its place
    return made


def _shown(report: DataReport) -> Iterator[str]:
    for group in report.duplicates.groups[:MOST_GROUPS]:
        yield from (member.file for member in group.images[:MOST_MEMBERS])
    yield from (suspect.file for suspect in report.suspects.most_suspicious[:MOST_SUSPECTS])
