"""docs/ builds into a site, strictly, and its pages fit any window and ask nobody."""

import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pages
import pytest
from chromium import CHROMIUM, LAPTOP, PHONE, running, watched

pytest.importorskip("zensical", reason="zensical is not installed: pip install 'edgepress[docs]'")

CONFIG = "zensical.toml"
WIDE = {"width": 1920, "height": 1080}


def built(folder: Path, added: str = "") -> subprocess.CompletedProcess[str]:
    """Build a copy of the site, with a paragraph added to a page."""
    shutil.copytree(pages.DOCS, folder / "docs")
    shutil.copy(pages.ROOT / CONFIG, folder)
    with (folder / "docs" / "data.md").open("a") as page:
        page.write(added)
    line = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def menu(entries: list[Any]) -> list[str]:
    """Return the pages of a menu, whose sections are menus."""
    found: list[str] = []
    for entry in entries:
        for value in entry.values():
            found += [value] if isinstance(value, str) else menu(value)
    return found


MENU = menu(tomllib.loads((pages.ROOT / CONFIG).read_text())["project"]["nav"])


def test_every_page_with_a_title_is_in_the_menu_and_in_the_site(site: Path):
    """A file without one is a table that a page shows."""
    titled = [file for file in pages.DOCS.rglob("*.md") if file.read_text().startswith("# ")]
    assert sorted(MENU) == sorted(file.relative_to(pages.DOCS).as_posix() for file in titled)
    for page in MENU:
        assert (site / page.replace("README.md", "index.md")).with_suffix(".html").is_file()


@pytest.mark.parametrize("link", ["[x](none.md)", "[x](gates.md#no-such-heading)"])
def test_a_link_that_leads_nowhere_fails_the_build(link: str, tmp_path: Path):
    done = built(tmp_path, f"\n{link}\n")
    assert done.returncode != 0
    assert "does not exist" in done.stdout + done.stderr


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_pages_fit_wide_and_narrow_windows_in_light_and_dark_and_ask_nobody(address: str):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    kinds = ((WIDE, "light"), (LAPTOP, "dark"), (PHONE, "light"))
    with running() as browser:
        for page in ("index", "results", "gates", "architecture", "runtimes"):
            for size, scheme in kinds:
                seen = watched(browser, f"{address}{page}.html", size, scheme)
                assert (page, size, seen.said, seen.fits) == (page, size, [], True)
                assert all(one.startswith(address) for one in seen.asked)
