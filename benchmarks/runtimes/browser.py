"""onnxruntime-web in headless Chromium: WebAssembly with SIMD, as a web page would run it.

Everything is loaded from this machine. Latency is taken inside the page; a run from outside also
pays for the way there.
"""

import importlib.util

import numpy as np

from benchmarks.runtimes import _contract, _web
from benchmarks.runtimes._contract import Port
from benchmarks.runtimes._session import Availability, Images, Probs, broke, cannot_open
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError


class BrowserSession:
    """A model in a page."""

    provider_asked = "browser"
    node_share = 1.0
    """The WebAssembly build has no other provider."""

    def __init__(self, page: _web.Page, site: _web.Site, output: str, version: str) -> None:
        """Wrap a page that has opened a model."""
        chromium = page.version.partition(".")[0]
        self.provider_opened = f"onnxruntime-web {version} (WASM SIMD) in Chromium {chromium}"
        self._page, self._site, self._output = page, site, output

    def run(self, images: Images) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, c, height, width]`.

        Raises:
            UserError: the page or the browser fails.
        """
        rows = self._call("runModel", images, self._output)
        return np.asarray(rows, np.float32)

    def time_runs(self, image: Images, least: int, shortest_s: float) -> tuple[float, ...]:
        """Return the seconds of `least` runs or more, over `shortest_s` or longer, in the page.

        Raises:
            UserError: the page or the browser fails.
        """
        seconds: list[float] = self._call("timeModel", image, least, shortest_s)
        return tuple(seconds)

    def _call(self, function: str, images: Images, *more: object) -> list[float]:
        from playwright.sync_api import Error

        self._site.images = np.ascontiguousarray(images, np.float32).tobytes()
        try:
            found: list[float] = self._page.call(function, images.shape[1:], *more)
        except (Error, TimeoutError) as error:
            raise broke(self.provider_opened, error) from None
        return found


def available() -> Availability:
    """Tell whether a Chromium, what drives it, and onnxruntime-web's files are there."""
    missing = {
        "the package playwright is not installed": (
            importlib.util.find_spec("playwright") is None,
            "pip install playwright (its own browsers are not needed)",
        ),
        "there is no Chromium, Chrome or Edge on the path": (
            _web.chromium() is None,
            "apt-get install chromium, or set EDGEPRESS_CHROMIUM to the program of one",
        ),
        "onnxruntime-web is in no node_modules of this folder or of those above it": (
            _web.ort_web() is None,
            "npm install --no-save --no-package-lock onnxruntime-web, or set EDGEPRESS_ORT_WEB to "
            "the package's folder",
        ),
    }
    for reason, (lacks, remedy) in missing.items():
        if lacks:
            return Availability(ok=False, reason=reason, remedy=remedy)
    return Availability(ok=True, reason=f"{_web.chromium()} and {_web.ort_web()}")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> BrowserSession:
    """Open an ONNX model in a page of its own; `threads` work inside one image in any case.

    Raises:
        UserError: the browser does not start, or the model cannot be opened or does not fit its
            manifest.
    """
    from playwright.sync_api import Error

    executable, ort = _web.chromium(), _web.ort_web()
    if executable is None or ort is None:
        found = available()
        raise UserError(found.reason, next_step=found.remedy)
    site = _web.Site(ort, artifact.weights)
    try:
        page = _web.Page(executable, site)
        opened = page.call("openModel", threads)
    except (Error, TimeoutError) as error:
        raise cannot_open("The browser", artifact, error) from None
    outputs = {port["name"]: Port(port["type"], port["shape"]) for port in opened["outputs"]}
    name = _contract.output_name(list(outputs))
    inputs = [Port(port["type"], port["shape"]) for port in opened["inputs"]]
    _contract.check(artifact, inputs, outputs[name])
    return BrowserSession(page, site, name, opened["version"])
