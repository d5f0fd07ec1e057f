"""Many files by all cores: in order, with errors, and not all in memory at once."""

import threading
from pathlib import Path

import pytest
from PIL import Image

from edgepress.core.image_spec import ImageSpec
from edgepress.data import parallel, pixels
from edgepress.data.dataset import open_data

PATHS = tuple(Path(f"{number}.png") for number in range(1000))


def test_results_come_in_the_order_of_the_files() -> None:
    found = [name for chunk in parallel.map_chunks(_names, PATHS, "naming") for name in chunk]
    assert found == [path.name for path in PATHS]
    assert list(parallel.map_chunks(_names, (), "naming")) == []


def test_an_error_ends_the_work() -> None:
    def work(paths: parallel.Paths) -> int:
        if Path("500.png") in paths:
            raise ValueError("broken")
        return len(paths)

    with pytest.raises(ValueError, match="broken"):
        list(parallel.map_chunks(work, PATHS, "counting"))


def test_what_nobody_has_taken_yet_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    done = threading.Semaphore(0)
    count = []

    def work(paths: parallel.Paths) -> int:
        count.append(len(paths))
        done.release()
        return len(paths)

    results = parallel.map_chunks(work, PATHS, "counting")
    next(results)
    for _ in range(2 * parallel.AHEAD):
        done.acquire()
    assert len(count) <= 2 * parallel.AHEAD + 2
    assert sum(results) == 1000 - parallel.CHUNK


def test_grey_and_coloured_images_lie_in_one_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    lines = ["image,a"]
    for number in range(40):
        mode, colour = ("L", number) if number % 2 else ("RGB", (number, 0, 200))
        Image.new(mode, (5, 7), colour).save(tmp_path / f"{number:02d}.png")
        lines.append(f"{number:02d}.png,{number % 2}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    found = pixels.decoded(open_data(str(tmp_path / "table.csv")), ImageSpec(height=32, width=32))
    assert found.shape == (40, 32, 32, 3)
    assert found[36, 3, 3].tolist() == [36, 0, 200]
    assert found[37, 3, 3].tolist() == [37, 37, 37]


def _names(paths: parallel.Paths) -> list[str]:
    return [path.name for path in paths]
