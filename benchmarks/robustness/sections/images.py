"""What was done to the images, shown on one of them."""

from benchmarks.report.page import Values
from benchmarks.robustness.corruptions import LEVELS, THEIR_SIDE
from benchmarks.robustness.example import SHOWN, picture_name, title
from benchmarks.robustness.measuring import CLEAN
from benchmarks.robustness.schema import RobustnessReport

TITLE = "What was done to the images"
ORDER = 30

_WORDS = {
    "blur": f"A Gaussian filter with a standard deviation of {{}} pixels of {THEIR_SIDE}.",
    "noise": "Gaussian noise with a standard deviation of {} of white.",
    "brightness": "Brighter by {} of white.",
    "contrast": "{} of the distance to the mean is kept.",
    "jpeg": "JPEG at a quality of {}.",
    "rotation": "Turned by {} degrees to either side, mirrored where it was cut off.",
    "crop": "{} of each side is kept, anywhere in the image. What is cut off may be what a label "
    "is about.",
}


def values(report: RobustnessReport) -> Values:
    """Return what each corruption does, with the names of pictures at three strengths."""
    return {
        "corruptions": [
            (title(name), _WORDS[name].format(_levels(name)), _pictures(name))
            for name in report.models[0].corruptions
        ]
    }


def _pictures(name: str) -> list[tuple[str, str]]:
    steps = ((f"strength {one}", picture_name((name, one))) for one in SHOWN)
    return [("clean", picture_name(CLEAN)), *steps]


def _levels(name: str) -> str:
    shares = max(LEVELS[name]) < 1
    *most, last = (f"{100 * level:g}%" if shares else f"{level:g}" for level in LEVELS[name])
    return f"{', '.join(most)} or {last}"
