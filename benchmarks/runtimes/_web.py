"""A page in headless Chromium, and the server on this machine that it loads everything from."""

import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_HTML = (
    b'<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
)
_SCRIPT = Path(__file__).with_name("_web_page.js")
_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}
# Threads share memory, which a page may do only when no other site can reach into it.
_ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_ENTRY = "ort.wasm.min.mjs"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run"]
_TIMEOUT_S = 240.0


def chromium() -> str | None:
    """Return the browser to start: `$EDGEPRESS_CHROMIUM`, else the first one on the path."""
    named = os.environ.get("EDGEPRESS_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, _CHROMIUMS)), None)


def ort_web() -> Path | None:
    """Return the folder of onnxruntime-web's files: `$EDGEPRESS_ORT_WEB`, else node_modules."""
    named = os.environ.get("EDGEPRESS_ORT_WEB")
    here = Path.cwd()
    packages = [Path(named)] if named else [
        folder / "node_modules" / "onnxruntime-web" for folder in (here, *here.parents)
    ]  # fmt: skip
    found = (folder for package in packages for folder in (package / "dist", package))
    return next((folder for folder in found if (folder / _ENTRY).is_file()), None)


class Site(ThreadingHTTPServer):
    """What a page may load: onnxruntime-web, one model, and the images of the moment."""

    def __init__(self, ort: Path, model: Path) -> None:
        """Serve on a free port of this machine until `shutdown`."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images = b""
        self._ort, self._model = ort, model
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """The page itself."""
        return f"http://127.0.0.1:{self.server_port}/"

    def content(self, path: str) -> tuple[bytes, str] | None:
        """Return what is at a path, and its type."""
        if path == "/":
            return _HTML, "text/html"
        if path == "/images":
            return self.images, "application/octet-stream"
        if path == "/model.onnx":
            return self._model.read_bytes(), "application/octet-stream"
        folder, _, name = path.rpartition("/")
        file = _SCRIPT if path == "/page.js" else self._ort / name
        if folder not in ("", "/ort") or file.suffix not in _TYPES or not file.is_file():
            return None
        return file.read_bytes(), _TYPES[file.suffix]


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:  # the name that http.server calls
        found = self.server.content(self.path.partition("?")[0])
        if found is None:
            self.send_error(404)
            return
        body, kind = found
        self.send_response(200)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **_ISOLATED}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *message: object) -> None:
        """Say nothing."""


class Page:
    """A page of a Chromium of its own, which ends when nothing refers to the page any more.

    Playwright's objects belong to the thread that made them, so they get one.
    """

    def __init__(self, executable: str, site: Site) -> None:
        """Start the browser and load the site.

        Raises:
            playwright.sync_api.Error, TimeoutError: it does not start or load.
        """
        self._thread = ThreadPoolExecutor(1, "chromium")
        started = self._thread.submit(_launch, executable, site.address)
        try:
            driver, browser, self._page = started.result(_TIMEOUT_S)
        except BaseException:
            self._thread.shutdown(wait=False)
            _stop(site)
            raise
        self.version: str = browser.version
        # At exit the driver ends by itself, and the browser with it.
        weakref.finalize(self, _close, self._thread, driver, site).atexit = False

    def call(self, function: str, *arguments: object) -> Any:
        """Return what a function of the page returns.

        Raises:
            playwright.sync_api.Error, TimeoutError: it throws, or the browser is gone.
        """
        script = f"(given) => window.{function}(...given)"
        return self._thread.submit(self._page.evaluate, script, arguments).result(_TIMEOUT_S)


def _launch(executable: str, address: str) -> tuple[Any, Any, Any]:
    from playwright.sync_api import sync_playwright

    driver = sync_playwright().start()
    try:
        browser = driver.chromium.launch(executable_path=executable, args=QUIET)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("window.ready")
    except BaseException:
        driver.stop()
        raise
    return driver, browser, page


def _close(thread: ThreadPoolExecutor, driver: Any, site: Site) -> None:
    thread.submit(driver.stop)
    thread.shutdown(wait=False)
    _stop(site)


def _stop(site: Site) -> None:
    site.shutdown()
    site.server_close()
