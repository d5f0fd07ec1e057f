"""`python -m export.converting.formats.web.resizing`: a browser's own resizing beside Pillow's.

The page does not resize; the figures that this command prints are why.
"""

import base64
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.parity import Parity, compare
from benchmarks.runtimes import _web, cpu
from edgepress.core import console
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from edgepress.data.context import open_context
from edgepress.data.images import to_pixels
from edgepress.data.pixels import normalise
from export.bundle import photographs
from models.defaults import default_model

_RESIZE = """async ([png, width, height]) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const red = Array.from({ length: width * height }, (_, place) => data[4 * place]);
  return btoa(red.map((level) => String.fromCharCode(level)).join(""));
}"""
"""Returns the red channel, which is all of a grey photograph."""


class Config(Noun):
    """Measure what a canvas's resizing does to an ONNX model's answers on grey photographs."""

    model: Path | None = None
    """ONNX artifact (default: the newest under runs/)."""
    data: str = "elpv"
    """`elpv`, a path, or `format:path`."""
    images: int = Field(50, ge=1)
    """Validation images at most."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""


def run(config: Config) -> Parity:
    """Print and return the differences.

    Raises:
        UserError: not an ONNX model, no Chromium, or unusable data.
    """
    model = open_model(config.model or default_model("onnx"))
    if model.manifest.kind != "onnx" or _web.chromium() is None:
        raise UserError("This needs an ONNX model, and Chromium on the path", got=model.path)
    spec, labels = model.manifest.image, model.manifest.labels
    context = open_context(config.data, (model,), config.skip_bad_images)
    paths = photographs.validation(context, config.images)
    taken = list(photographs.opened(paths, None, spec.pixel_range))
    theirs = _resized(taken, spec)
    ours = np.stack([to_pixels(Image.fromarray(one), spec) for one in taken])
    session = cpu.open_session(model, 1)
    answers = [session.run(normalise(pixels, spec)) for pixels in (ours, theirs)]
    found = compare(answers[0], answers[1], labels.thresholds)
    levels = np.abs(ours.astype(int) - theirs.astype(int))
    console.result(
        f"pixels differ by up to {levels.max()} levels of 255 ({levels.mean():.2f} in the mean), "
        f"probabilities by up to {found.max_prob_diff:.2g}, and {found.flipped:.2%} of the "
        f"decisions on {found.n_images} images"
    )
    return found


def _resized(taken: list[NDArray[np.uint8]], spec: ImageSpec) -> NDArray[np.uint8]:
    """Return photographs as a canvas squashes them, `[n, height, width, channels]`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_web.chromium(), args=_web.QUIET)
        tab = browser.new_page()
        rows = [_in(tab, one, spec) for one in taken]
        browser.close()
    return np.stack(rows)


def _in(tab: Any, photograph: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.uint8]:
    png = base64.b64encode(photographs.png(photograph)).decode()
    values = base64.b64decode(tab.evaluate(_RESIZE, [png, spec.width, spec.height]))
    grey = np.frombuffer(values, np.uint8).reshape(spec.height, spec.width, 1)
    return np.broadcast_to(grey, (spec.height, spec.width, spec.channels))


if __name__ == "__main__":
    sys.exit(main(Config, run))
