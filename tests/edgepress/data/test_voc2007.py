"""`--data voc2007`: read where torchvision has put it, downloaded where it is not."""

import hashlib
import importlib
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgepress.data import cache
from edgepress.data.dataset import open_data


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    return cache.cache_dir()


@pytest.fixture
def tree(make_tree: Callable[[str], tuple[str, Path]]) -> Path:
    """Return a folder with a VOC of eight images."""
    return make_tree("voc")[1]


def test_what_is_there_is_read(home: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("there is nothing to do"))
    tree.rename(home / "voc2007")
    data = open_data("voc2007")
    assert (data.format, data.source, len(data.paths)) == ("voc2007", "voc2007", 8)
    assert data.label_names == ("cat", "dog")
    assert data.table.columns["split"].count("test") == 2


def test_offline_it_is_refused_and_nothing_is_left(
    home: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    done = command("benchmarks.inspection.__main__", "voc2007", "--out", home.parent / "out")
    assert done.code == 2
    assert "VOC 2007 could not be downloaded" in done.err
    assert "refused" in done.err
    assert "Next: try again when the machine is online" in done.err
    assert "Traceback" not in done.err
    assert not (home / "voc2007").exists()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve the files of the test's folder; return the address."""
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_is_downloaded_whole(
    tmp_path: Path, tree: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import voc2007

    published = importlib.import_module("torchvision.datasets.voc")  # after what mends torchvision

    (tree / "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt").write_text("000001\n")
    for key in ("2007", "2007-test"):
        archive = tmp_path / f"{key}.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(tree / "VOCdevkit", "VOCdevkit", filter=_part(key))
        source = published.DATASET_YEAR_DICT[key] | {
            "url": f"{site}/{archive.name}",
            "md5": hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest(),
        }
        monkeypatch.setitem(published.DATASET_YEAR_DICT, key, source)
    root = tmp_path / "voc2007"
    assert voc2007.main([str(root)]) == 0
    assert len(open_data(f"voc2007:{root}").paths) == 8
    assert [place.name for place in root.iterdir()] == ["VOCdevkit"]


def _part(key: str) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    """Return a filter that leaves the list of test images to the archive of the test part."""

    def keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return member if member.name.endswith("/test.txt") <= (key == "2007-test") else None

    return keep
