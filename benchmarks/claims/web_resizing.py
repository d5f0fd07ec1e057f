"""`python -m benchmarks.claims.web_resizing` holds a browser's own resizing against Pillow's.

The page of `export.convert --format web` does not resize; these figures are why.
"""

import base64
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.parity import compare
from benchmarks.report.markdown import table_md
from benchmarks.runtimes import _web, cpu
from edgepress.core import console, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from edgepress.data.context import open_context
from edgepress.data.images import open_image, to_pixels
from edgepress.data.pixels import normalise
from edgepress.data.sampling import sample
from models.defaults import ModelPath, default_model

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

    model: ModelPath | None = None
    """ONNX artifact (default: the newest under runs/)."""
    data: str = "elpv"
    """`elpv`, a path, or `format:path`."""
    images: int = Field(50, ge=1)
    """Validation images at most."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    out: Path = Path("runs/web-resizing.json")
    """JSON file for the figures; their table is written beside it."""


HEADER = (
    "Images",
    "Levels of a pixel, of 255: at most (mean)",
    "Largest difference of a probability",
    "Decisions that differ",
)


class Result(Noun):
    """What a canvas's resizing changes, against Pillow's."""

    command: str
    model: str
    images: int
    max_levels: int
    mean_levels: float
    max_prob_diff: float
    flipped: float
    """Share of decisions that differ."""
    environment: dict[str, Any]


def row(result: Result) -> tuple[str, ...]:
    """Return the differences as the line of a table."""
    return (
        f"{result.images}",
        f"{result.max_levels} ({result.mean_levels:.2f})",
        f"{result.max_prob_diff:.2g}",
        f"{result.flipped:.2%}",
    )


def table(result: Result) -> str:
    """Return the differences as a table in Markdown."""
    return table_md(HEADER, [row(result)], left=set())


def run(config: Config) -> Result:
    """Measure, print and store the differences.

    Raises:
        UserError: not an ONNX model, no Chromium, or unusable data.
    """
    model = open_model(config.model or default_model("onnx"))
    if model.manifest.kind != "onnx" or _web.chromium() is None:
        raise UserError("This needs an ONNX model, and Chromium on the path", got=model.path)
    figures.check(config.out)
    context = open_context(config.data, (model,), config.skip_bad_images).require("val")
    spec, dataset = context.spec, context.dataset
    known = sample(dataset.targets, context.rows("val"), config.images)
    paths = [dataset.paths[row] for row in known]
    taken = [np.asarray(open_image(path, spec.pixel_range).convert("RGB")) for path in paths]
    theirs = _resized(taken, spec)
    ours = np.stack([to_pixels(Image.fromarray(one), spec) for one in taken])
    session = cpu.open_session(model, 1)
    here, there = (session.run(normalise(pixels, spec)) for pixels in (ours, theirs))
    parity = compare(here, there, model.manifest.labels.thresholds)
    levels = np.abs(ours.astype(int) - theirs.astype(int))
    found = Result(
        command=own_command("benchmarks.claims.web_resizing"),
        model=model.name,
        images=len(taken),
        max_levels=int(levels.max()),
        mean_levels=float(levels.mean()),
        max_prob_diff=parity.max_prob_diff,
        flipped=parity.flipped,
        environment=environment.describe(),
    )
    console.table("A browser's resizing", HEADER, [row(found)])
    figures.store(config.out, found, table(found))
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
    png = io.BytesIO()
    Image.fromarray(photograph).save(png, "PNG")
    words = [base64.b64encode(png.getvalue()).decode(), spec.width, spec.height]
    values = base64.b64decode(tab.evaluate(_RESIZE, words))
    grey = np.frombuffer(values, np.uint8).reshape(spec.height, spec.width, 1)
    return np.broadcast_to(grey, (spec.height, spec.width, spec.channels))


if __name__ == "__main__":
    sys.exit(main(Config, run))
