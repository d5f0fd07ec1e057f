"""What the page says of a corruption and shows of it: pictures of one image."""

from benchmarks.robustness.measuring import CLEAN, Images, Step
from edgepress.core.image_spec import ImageSpec
from edgepress.data.images import picture, small_jpeg

SHOWN = (1, 3, 5)
"""Strengths of which the page shows a picture."""


def title(name: str) -> str:
    """Return the name of a corruption as a heading."""
    return "JPEG" if name == "jpeg" else name.capitalize()


def picture_name(step: Step) -> str:
    """Return how the page calls the picture of a corruption at a strength."""
    return "-".join(map(str, step))


def pictures(images: Images, spec: ImageSpec, names: tuple[str, ...]) -> dict[str, bytes]:
    """Return JPEGs of the first image, clean and corrupted, by `picture_name`."""
    steps: list[Step] = [CLEAN, *((name, strength) for name in names for strength in SHOWN)]
    return {
        picture_name(step): small_jpeg(picture(images.corrupted(spec, images.rows[:1], step)[0]))
        for step in steps
    }
