"""One look at every file: sizes, faults and thumbnails, stored by content and told by name."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.core.errors import UserError
from edgepress.data.dataset import open_data
from edgepress.data.parallel import CHUNK
from edgepress.data.survey import survey


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    """More files than a thread takes at a time: every seventh is broken, every fifth in colour."""
    rng = np.random.default_rng(0)
    for number in range(2 * CHUNK + 5):
        shape = (20 + number, 30) if number % 5 else (20 + number, 30, 3)
        file = tmp_path / f"{number:03d}.png"
        Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(file)
        if number % 7 == 0:
            file.write_bytes(file.read_bytes()[:100])
    return tuple(sorted(tmp_path.iterdir()))


def test_rows_are_those_of_the_files(files):
    found = survey(files)
    broken = [number for number in range(len(files)) if number % 7 == 0]
    assert [row for row, fault in enumerate(found.faults) if fault] == broken
    good = np.setdiff1d(np.arange(len(files)), broken)
    assert found.sizes[good].tolist() == [[30, 20 + number] for number in good]
    assert (found.grey[good] == (good % 5 != 0)).all()
    assert not found.sizes[broken].any()
    expected = Image.open(files[9]).convert("L").resize((32, 32))
    np.testing.assert_array_equal(found.thumbnails[9], np.asarray(expected))
    again = survey(files)
    assert again.faults == found.faults
    np.testing.assert_array_equal(again.thumbnails, found.thumbnails)


def test_the_size_is_that_of_the_upright_image(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert survey((tmp_path / "turned.jpg",)).sizes.tolist() == [[20, 40]]


def test_a_stored_fault_is_told_of_the_file_as_it_is_named_now(files, tmp_path: Path):
    (tmp_path / "labels.csv").write_text("image,a\n000.png,1\n001.png,0\n")
    with pytest.raises(UserError, match=r"000\.png"):
        open_data(str(tmp_path))
    moved = tmp_path / "moved"
    shutil.copytree(tmp_path, moved)
    with pytest.raises(UserError, match=r"moved/000\.png"):
        open_data(str(moved))


def test_a_file_that_is_none_is_a_fault(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    found = survey((tmp_path / "folder.png", tmp_path / "missing.png"))
    assert "cannot be decoded" in found.faults[0]
    assert "no such file" in found.faults[1]
