"""Small copies of the images that a report shows."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from benchmarks.report.schema import AgreementEntry, Report
from edgepress.data.dataset import Dataset
from edgepress.data.images import BadImage, look_at, small_jpeg

MOST_BYTES = 900_000
"""Of all thumbnails of a report together, so that the page stays small enough to be mailed."""


def thumbnails(report: Report, dataset: Dataset) -> dict[str, bytes]:
    """Return a JPEG of at most 96 x 96 pixels of each image whose decision flipped, by image id.

    The largest flips of every model come first; where there are too many, the smaller ones are
    left out.
    """
    return small_copies(_wanted(report), dataset)


def small_copies(image_ids: Iterable[str], dataset: Dataset) -> dict[str, bytes]:
    """Return a JPEG of at most 96 x 96 pixels of each image, by image id.

    Where there are too many, the last ones are left out.
    """
    paths = dict(zip(dataset.image_ids, dataset.paths, strict=True))
    made: dict[str, bytes] = {}
    room = MOST_BYTES
    for image_id in dict.fromkeys(image_ids):
        try:
            small = small_jpeg(look_at(paths[image_id]).image)
        except (KeyError, BadImage):
            continue  # the report shows the id in its place
        room -= len(small)
        if room < 0:
            break
        made[image_id] = small
    return made


def _wanted(report: Report) -> Iterable[str]:
    """Return image ids: the largest flip of every model, then the second ones, ..."""
    ranks = zip_longest(*(_ids(model.agreement) for model in report.models))
    return (image_id for rank in ranks for image_id in rank if image_id)


def _ids(found: AgreementEntry | None) -> Iterator[str]:
    yield from (flip.image_id for flip in found.flips) if found else ()
