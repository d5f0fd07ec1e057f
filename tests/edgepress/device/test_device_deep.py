"""Photographs of more than 8 bits: strip by strip what training reads, in the memory foreseen."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sample_files
from places import ROOT

from edgepress.data.images import open_image
from edgepress.device.images import BadImage, decoding, need

TALL, WIDE = 41, 50
RANGE = (300.0, 40_000.0)
RANDOM = np.random.default_rng(0)
GREY, COLOURS = (RANDOM.integers(0, 4096, (TALL, WIDE, planes)) for planes in (1, 3))
GREY = GREY[:, :, 0]


def turned(number: int) -> dict[int, tuple[int, list[float]]]:
    return {274: (3, [number])}


KINDS = (("u2", 1), ("u2", 3), ("i2", 1), ("u4", 1), ("i4", 1), ("f4", 1), ("i1", 1))
FILES = {
    "PNG grey": sample_files.png(GREY),
    "PNG colours": sample_files.png(COLOURS),
    "PNG colours, alpha": sample_files.png(RANDOM.integers(0, 65_536, (TALL, WIDE, 4))),
    "PGM": sample_files.pnm(GREY, 4095),
    "PPM": sample_files.pnm(COLOURS, 4095),
    "TIFF packed": sample_files.packed(GREY),
    "TIFF white is 0": sample_files.tiff(GREY.astype(np.uint16), photometric=0),
    **{
        f"TIFF {kind}, turned {number}, {order}": sample_files.tiff(
            (COLOURS if planes == 3 else GREY).astype(kind), order,
            photometric=2 if planes == 3 else 1, tags=turned(number),
        )
        for kind, planes in KINDS
        for number in range(1, 9)
        for order in "<>"
        if kind + order != "u4>"  # which Pillow does not read
    },
}  # fmt: skip


def told(read: object, *args: object, **options: object) -> np.ndarray | str:
    """Return the pixels, or why there are none: without the words around it."""
    try:
        return np.asarray(read(*args, **options))  # type: ignore[operator]
    except Exception as error:  # of whichever side
        found = str(error).partition("; the bundle's")[0]
        return found.partition("Bad image: ")[2] if isinstance(error, BadImage) else found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("declared", [None, RANGE])
def test_strips_of_samples_are_the_whole(
    name: str,
    declared: tuple[float, float] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(need, "STRIP_PIXELS", 100)
    path = tmp_path / "photo"
    path.write_bytes(FILES[name])
    expected = told(lambda: open_image(path, declared).convert("RGB"))
    found = told(decoding.decode, path, pixel_range=declared)
    if isinstance(expected, str):
        assert isinstance(found, str)
        reason = found.removeprefix("it cannot be decoded (").removesuffix(")")
        assert reason in expected
        return
    np.testing.assert_array_equal(found, expected)
    with decoding.opened(path, pixel_range=declared) as photo:
        assert expected.shape[:2] in photo.shapes


def test_what_is_not_known_is_told_with_all_values(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(need, "STRIP_PIXELS", WIDE)
    values = np.zeros((TALL, WIDE), np.float32)
    values[0, 0], values[-1, -1] = 3.0, 70.0
    with pytest.raises(BadImage, match="floats from 0 to 70"):
        decoding.decode(sample_files.tiff(values))
    values[-1, -1] = np.nan
    for declared in (None, RANGE):
        with pytest.raises(BadImage, match="not finite"):
            decoding.decode(sample_files.tiff(values), pixel_range=declared)


TAKES = """
import json, re, sys
from pathlib import Path
from edgepress.device.images import decoding
from edgepress.device.model import memory
from benchmarks.claims.worst_images.files import png, saved

def status(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

SIZE = 4000, 4000
FLOATS = dict(compression="tiff_deflate")
decoding.decode(png((10, 10), 16, 2), pixel_range=(0, 9))  # what is loaded once
for name, content, declared in (
    ("grey", png(SIZE, 16, 0), None),
    ("grey, declared", png(SIZE, 16, 0), (5, 4000)),
    ("colours, declared", png(SIZE, 16, 2), (5, 4000)),
    ("colours, alpha, interlaced", png(SIZE, 16, 6, interlaced=True), (5, 4000)),
    ("floats of which nobody says", saved("F", SIZE, "TIFF", **FLOATS), None),
    ("floats, declared", saved("F", SIZE, "TIFF", **FLOATS), (0, 1)),
):
    with decoding.opened(content, pixel_range=declared) as photo:
        foreseen = photo.need_bytes
    memory.give_back()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    try:
        said = list(decoding.decode(content, pixel_range=declared).shape)
    except decoding.BadImage as error:
        said = str(error)
    print(json.dumps([name, said, status("VmHWM") - before, foreseen]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
def test_deep_photographs_of_16_megapixels_take_what_was_foreseen():
    done = subprocess.run([sys.executable, "-c", TAKES], cwd=ROOT, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 6, done.stderr
    assert [row[1] for row in rows if row[1] != [4000, 4000, 3]] == [rows[4][1]]
    assert "floats from 0 to 0" in rows[4][1]
    assert not [row for row in rows if row[2] > row[3]]
    assert not [row for row in rows if row[2] < row[3] / 4], "and it is no wild guess"
