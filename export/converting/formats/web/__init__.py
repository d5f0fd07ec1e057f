"""A page that shows the labels of photographs: onnxruntime-web and the model, without a network.

The folder needs no server: `index.html` opens by a double click, and everything else is loaded by
`<script src>`, with the model and the WebAssembly file as text. Photographs are decoded by the
browser and handed to the model as they are; resizing is in the model's graph.
"""

import base64
import json
from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from benchmarks.report import page
from benchmarks.runtimes import _web
from edgepress.core.errors import UserError
from export.converting.formats._format import CannotRunError, Format, Images, Shown, Source
from export.shipped import graph
from export.shipped.photographs import png

PAGE = "index.html"
FORMAT = Format(
    name="web",
    description="a page for any browser: onnxruntime-web (WASM) and the model, opened as a file",
    takes="photograph",
    precisions=("fp32", "int8"),
    refusal="WebAssembly gains nothing from it",
)
TIMEOUT_MS = 600_000
_LIBRARY, _GLUE, _BINARY = (
    "ort.wasm.min.js",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
_HERE = Path(__file__).parent
_READ = """cards => cards.map(card => ({
  ...JSON.parse(card.dataset.answer),
  file: card.querySelector("h2").innerText,
  labels: Array.from(card.querySelectorAll(".found li:not(.none)"))
    .filter(one => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .map(one => one.innerText),
}))"""
"""Reads the labels off the page as a user does: text that is visible. A user reads rounded
probabilities, so the exact ones come from an attribute."""


def write(source: Source, folder: Path) -> None:
    """Write `index.html` and what it loads.

    Raises:
        UserError: onnxruntime-web is not there, or the model has a pixel range of its own.
    """
    declared = source.model.manifest.image.pixel_range
    if declared is not None:
        raise UserError(
            "A browser makes 8 bits of photographs of more, by no range that it is told",
            got=f"a model with the pixel range {declared[0]:g} to {declared[1]:g}",
            next_step="use --format onnx or a bundle, which read samples by the model's range",
        )
    package = _package()
    (folder / "ort").mkdir()
    (folder / "ort" / _LIBRARY).write_bytes((package / "dist" / _LIBRARY).read_bytes())
    parts = {"glue": package / "dist" / _GLUE, "binary": package / "dist" / _BINARY}
    wasm = {name: _text(file.read_bytes()) for name, file in parts.items()}
    _script(folder / "ort" / "wasm.js", "edgepressWasm", wasm)
    _script(folder / "model.js", "edgepress", _model(source))
    (folder / "page.js").write_text((_HERE / "page.js").read_text())
    (folder / PAGE).write_text(_html(source, package))


def run(folder: Path, images: Images) -> Shown:
    """Return what the page shows of photographs, chosen as files in headless Chromium.

    Raises:
        CannotRunError: playwright or Chromium is missing.
        UserError: the page fails.
    """
    found = answers(folder, {f"{row}.png": png(image) for row, image in enumerate(images)})
    probs = np.asarray([answer["probs"] for answer in found], np.float32)
    return Shown(probs, tuple(tuple(answer["labels"]) for answer in found))


def answers(folder: Path, photographs: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return `file`, `probs` and the visible `labels` of each image file, by name, in their order.

    Raises:
        CannotRunError: playwright or Chromium is missing.
        UserError: the page fails.
    """
    executable = _web.chromium()
    if executable is None:
        raise CannotRunError("there is no Chromium, Chrome or Edge on the path")
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise CannotRunError("the package playwright is not installed") from None
    files = [
        {"name": name, "mimeType": guess_type(name)[0] or "", "buffer": content}
        for name, content in photographs.items()
    ]
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=executable, args=_web.QUIET, timeout=TIMEOUT_MS
            )
            found = _shown(browser.new_page(), (folder / PAGE).resolve().as_uri(), files)
            browser.close()
    except Error as error:
        raise UserError(f"The page failed ({str(error).splitlines()[0]})", got=folder) from None
    problems = [answer["problem"] for answer in found if "problem" in answer]
    if problems:
        raise UserError(f"The page cannot use a photograph ({problems[0]})", got=folder)
    return found


def _shown(tab: Any, address: str, files: list[Any]) -> list[dict[str, Any]]:
    """Open the page, hand it files as a user does, and return what it shows."""
    tab.set_default_timeout(TIMEOUT_MS)
    tab.goto(address)
    tab.wait_for_selector("#status[data-ready], #status.problem", state="attached")
    tab.set_input_files("#files", files)
    tab.locator("[data-answer]").nth(len(files) - 1).wait_for(state="attached")
    found: list[dict[str, Any]] = tab.eval_on_selector_all("[data-answer]", _READ)
    return found


def _model(source: Source) -> dict[str, object]:
    labels = source.model.manifest.labels
    whole = graph.whole(source.model).SerializeToString()
    return {
        "model": _text(whole),
        "labels": list(labels.names),
        "thresholds": list(labels.thresholds),
    }


def _html(source: Source, package: Path) -> str:
    about = json.loads((package / "package.json").read_text())
    manifest = source.model.manifest
    return (
        page.templates(_HERE)
        .get_template(f"{PAGE}.jinja")
        .render(
            name=source.given.name,
            labels=manifest.labels.names,
            precision=manifest.precision,
            id=manifest.id,
            ort_version=about["version"],
            ort_licence=about["license"],
            style=page.style(),
            own_style=Markup((_HERE / "style.css").read_text()),
        )
    )


def _package() -> Path:
    dist = _web.ort_web()
    if dist is None or not (dist / _LIBRARY).is_file():
        raise UserError(
            "onnxruntime-web is in no node_modules of this folder or of those above it",
            next_step="npm install --no-save --no-package-lock onnxruntime-web@1.30.0, or set "
            "EDGEPRESS_ORT_WEB to the package's folder",
        )
    return dist.parent


def _script(file: Path, name: str, value: Mapping[str, object]) -> None:
    """Write a script that sets a global variable: what a page opened as a file may load."""
    file.write_text(f"globalThis.{name} = {json.dumps(value)};\n")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
