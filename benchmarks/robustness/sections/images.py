"""What was done to the images, shown on one of them."""

from markupsafe import Markup

from benchmarks.errors.sections._parts import picture
from benchmarks.robustness.corruptions import LEVELS, THEIR_SIDE
from benchmarks.robustness.example import SHOWN, picture_name
from benchmarks.robustness.measuring import CLEAN
from benchmarks.robustness.schema import RobustnessReport
from benchmarks.robustness.sections._parts import title

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


def render(report: RobustnessReport) -> str:
    """Return what each corruption does, with pictures at three strengths."""
    panels = (_panel(name) for name in report.models[0].corruptions)
    return Markup(
        '<p class="lead">Strengths 1 to 5 of each, at the size of the network\'s input; blur, '
        "noise, brightness, contrast and JPEG after Hendrycks and Dietterich 2019 (ImageNet-C). "
        "Models with the same preprocessing see the same pixels. Shown: {}</p>"
        '<div class="looks">{}</div>'
    ).format(report.example, Markup("").join(panels))


def _panel(name: str) -> Markup:
    shown = [_picture("clean", picture_name(CLEAN))]
    shown += [_picture(f"strength {one}", picture_name((name, one))) for one in SHOWN]
    return Markup('<div class="card"><h3>{}</h3><p>{}</p><div>{}</div></div>').format(
        title(name), _WORDS[name].format(_levels(name)), Markup("").join(shown)
    )


def _levels(name: str) -> str:
    shares = max(LEVELS[name]) < 1
    *most, last = (f"{100 * level:g}%" if shares else f"{level:g}" for level in LEVELS[name])
    return f"{', '.join(most)} or {last}"


def _picture(told: str, name: str) -> Markup:
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(
        picture(name, told, 66), told
    )
