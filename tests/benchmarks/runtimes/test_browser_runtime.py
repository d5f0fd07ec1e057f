"""The browser runtime: what a page may load, and times that are taken inside it."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from colours import SPEC, MakeModel

from benchmarks.runtimes import _web, browser
from benchmarks.timing.worker import timed_block
from edgepress.core.errors import UserError

IMAGE = np.zeros((1, 3, SPEC.height, SPEC.width), np.float32)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_web.Site]:
    """Serve a made-up onnxruntime-web and model, with a secret beside them."""
    tmp_path = tmp_path_factory.mktemp("site")
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "ort.wasm.min.mjs").write_text("export {};")
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "secret.js").write_text("secret")
    served = _web.Site(folder, tmp_path / "model.onnx")
    yield served
    served.shutdown()
    served.server_close()


def get(site: _web.Site, path: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(site.address + path, timeout=10) as answer:
        return answer.read(), dict(answer.headers)


def test_page_is_isolated_and_gets_what_it_needs(site: _web.Site) -> None:
    site.images = b"pixels"
    page, headers = get(site, "")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert b"/page.js" in page
    assert b"timeModel" in get(site, "page.js")[0]
    assert get(site, "model.onnx")[0] == b"model"
    assert get(site, "images")[0] == b"pixels"
    assert get(site, "ort/ort.wasm.min.mjs?x")[1]["Content-Type"] == "text/javascript"


@pytest.mark.parametrize(
    "path", ["ort/../secret.js", "ort/x/ort.wasm.min.mjs", "secret.js", "ort/"]
)
def test_page_gets_nothing_else(site: _web.Site, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(site, path)


def test_files_are_found_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "node_modules" / "onnxruntime-web"
    (package / "dist").mkdir(parents=True)
    (package / "dist" / "ort.wasm.min.mjs").touch()
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    monkeypatch.delenv("EDGEPRESS_ORT_WEB", raising=False)
    assert _web.ort_web() == package / "dist"
    monkeypatch.setenv("EDGEPRESS_ORT_WEB", str(tmp_path / "a"))
    assert _web.ort_web() is None
    monkeypatch.setenv("EDGEPRESS_ORT_WEB", str(package))
    assert _web.ort_web() == package / "dist"


def test_times_are_taken_inside_the_page(make_model: MakeModel) -> None:
    found = browser.available()
    if not found.ok:
        pytest.skip(f"{found.reason}; {found.remedy}")
    session = browser.open_session(make_model("model", convs=2), threads=1)
    seconds = timed_block(session, IMAGE, 0.05)
    assert len(seconds) >= 3
    assert 0.05 <= sum(seconds) < 1
    assert "WASM SIMD" in session.provider_opened


def test_browser_that_dies_while_it_runs_says_so(make_model: MakeModel) -> None:
    found = browser.available()
    if not found.ok:
        pytest.skip(f"{found.reason}; {found.remedy}")
    session = browser.open_session(make_model("model"), threads=1)
    assert session.run(IMAGE).shape == (1, 2)
    for process in psutil.Process().children(recursive=True):
        if "chrom" in process.name():
            process.kill()
    with pytest.raises(UserError, match="failed while it ran it"):
        session.run(IMAGE)


def test_browser_that_does_not_start_says_so(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("EDGEPRESS_CHROMIUM", str(broken))
    monkeypatch.setenv("EDGEPRESS_ORT_WEB", str(tmp_path))
    (tmp_path / "ort.wasm.min.mjs").touch()
    with pytest.raises(UserError, match="browser cannot open the model"):
        browser.open_session(make_model("model"), threads=1)
