"""Samples of every kind become the right grey levels, by file or by range, or are refused."""

from pathlib import Path

import numpy as np
import pytest
import sample_files as files
from PIL import Image

from edgepress.core.image_spec import ImageSpec
from edgepress.data import images
from edgepress.data.images import BadImage, look_at, open_image
from edgepress.device.images import BadImage as BadOnDevice
from edgepress.device.images import decode

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 4096, (6, 10)).astype(np.uint16)
COLOURS = RANDOM.integers(0, 4096, (6, 10, 3)).astype(np.uint16)
WIDE = (GREY * 16 + 15).astype(np.uint16)
FLOAT = (GREY / 4095).astype(np.float32)
SIGNED = GREY.astype(np.int16) - 1000
HUGE = GREY.astype(np.uint32) * 1_000_003
DEEP = HUGE.astype(np.int64) - 2**31
BYTES = (GREY % 256).astype(np.uint8)
LARGEST = {281: (3, [4095])}
UNIT = {340: (11, [0.0]), 341: (11, [1.0])}


def levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return samples as 8 bits: `low` is black and `high` is white."""
    scaled = (values.astype(np.float64) - low) * 255 / (high - low)
    return np.floor(scaled.clip(0, 255)).astype(np.uint8)


def opened(content: bytes, path: Path, declared: tuple[float, float] | None = None) -> np.ndarray:
    """Return what training and the device make of a file, from a path and from bytes: the same."""
    path.write_bytes(content)
    found = np.asarray(open_image(path, declared))
    three = np.broadcast_to(found.reshape(*found.shape[:2], -1), (*found.shape[:2], 3))
    np.testing.assert_array_equal(decode(path, pixel_range=declared), three)
    np.testing.assert_array_equal(decode(content, pixel_range=declared), three)
    return found


BY_FILE = {
    "PGM of 12 bits": (files.pnm(GREY, 4095), levels(GREY, 0, 4095)),
    "PGM of 12 bits as text": (files.pnm(GREY, 4095, text=True), levels(GREY, 0, 4095)),
    "PGM of 16 bits": (files.pnm(WIDE, 65535), levels(WIDE, 0, 65535)),
    "PNG of 16 bits": (files.png(WIDE), levels(WIDE, 0, 65535)),
    "TIFF of 16 bits": (files.tiff(WIDE), levels(WIDE, 0, 65535)),
    "TIFF of 16 bits, big-endian": (files.tiff(WIDE, ">"), levels(WIDE, 0, 65535)),
    "TIFF of 12 bits": (files.packed(GREY), levels(GREY, 0, 4095)),
    "TIFF that says 4095": (files.tiff(GREY, tags=LARGEST), levels(GREY, 0, 4095)),
    "TIFF of floats that says 1": (files.tiff(FLOAT, tags=UNIT), levels(FLOAT, 0, 1)),
    "TIFF whose largest sample is 3777": (
        files.tiff(WIDE, tags={281: (3, [3777])}), levels(WIDE, 0, 65535)
    ),
    "TIFF of 16 bits, 0 is white": (files.tiff(WIDE, photometric=0), 255 - levels(WIDE, 0, 65535)),
    "TIFF of 8 bits, 0 is white": (files.tiff(BYTES, photometric=0), 255 - BYTES),
    "PNG of 16-bit colours": (files.png(COLOURS * 16), (COLOURS * 16) >> 8),
    "TIFF of 16-bit colours": (files.tiff(COLOURS * 16, photometric=2), (COLOURS * 16) >> 8),
}  # fmt: skip


@pytest.mark.parametrize("kind", BY_FILE)
def test_samples_by_what_the_file_says(kind: str, tmp_path: Path):
    content, wanted = BY_FILE[kind]
    np.testing.assert_array_equal(opened(content, tmp_path / "image"), wanted)


def test_colours_of_ppm_by_its_maxval(tmp_path: Path):
    found = opened(files.pnm(COLOURS, 4095), tmp_path / "image")
    np.testing.assert_allclose(found, COLOURS / 4095 * 255, atol=0.51)


DECLARED = {
    "PNG": (files.png(GREY), GREY, (0, 4095)),
    "PGM of 16 bits": (files.pnm(GREY, 65535), GREY, (0, 4095)),
    "PGM of 12 bits": (files.pnm(GREY, 4095), GREY, (100, 1023)),
    "TIFF": (files.tiff(GREY), GREY, (0, 4095)),
    "TIFF that says 4095": (files.tiff(GREY, tags=LARGEST), GREY, (0, 1000)),
    "16 bits with a sign": (files.tiff(SIGNED), SIGNED, (-1000, 1000)),
    "16 bits with a sign, big-endian": (files.tiff(SIGNED, ">"), SIGNED, (-1000, 1000)),
    "8 bits with a sign": (files.tiff(BYTES.view(np.int8)), BYTES.view(np.int8), (-128, 127)),
    "32 bits": (files.tiff(HUGE), HUGE, (0, 2**32 - 1)),
    "32 bits with a sign": (files.tiff(DEEP.astype(np.int32)), DEEP, (-(2**31), 2**31)),
    "floats": (files.tiff(FLOAT), FLOAT, (0, 1)),
    "floats, big-endian": (files.tiff(FLOAT, ">"), FLOAT, (0.25, 0.5)),
    "PFM": (files.pfm(FLOAT), FLOAT, (0, 1)),
    "PNG of colours": (files.png(COLOURS), COLOURS, (0, 4095)),
    "TIFF of colours": (files.tiff(COLOURS, photometric=2), COLOURS, (0, 4095)),
    "TIFF of colours, big-endian": (files.tiff(COLOURS, ">", 2), COLOURS, (0, 4095)),
    "PPM of colours": (files.pnm(COLOURS, 65535), COLOURS, (0, 4095)),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_samples_by_a_declared_range(kind: str, tmp_path: Path):
    content, values, declared = DECLARED[kind]
    found = opened(content, tmp_path / "image", declared)
    np.testing.assert_array_equal(found, levels(values, *declared))
    assert np.ptp(found) > 200


def test_a_range_where_0_is_white(tmp_path: Path):
    found = opened(files.tiff(FLOAT, photometric=0), tmp_path / "image", (0, 1))
    np.testing.assert_array_equal(found, 255 - levels(FLOAT, 0, 1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_a_range_is_not_for_images_of_8_bits(mode: str, tmp_path: Path):
    image = Image.fromarray(RANDOM.integers(0, 256, (6, 10, 3)).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "whole", "TIFF")
    content = (tmp_path / "whole").read_bytes()
    found = [opened(content, tmp_path / "image", declared) for declared in (None, (0, 4095))]
    np.testing.assert_array_equal(*found)
    grey = "L" if mode in {"1", "L", "LA"} else "RGB"
    np.testing.assert_array_equal(found[0], np.asarray(image.convert(grey)))


@pytest.mark.parametrize("alpha", [3, bytes(range(256))], ids=["a colour", "every colour"])
def test_the_colours_of_a_palette_with_transparency(alpha, tmp_path: Path):
    colours = Image.fromarray(RANDOM.integers(0, 256, (6, 10, 3)).astype(np.uint8))
    image = colours.convert("P")
    image.save(tmp_path / "whole.png", transparency=alpha)
    found = opened((tmp_path / "whole.png").read_bytes(), tmp_path / "image")
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("tag", range(1, 9))
def test_samples_of_a_turned_file_stand_upright(tag: int, tmp_path: Path):
    turns = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
             5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
             7: lambda a: np.rot90(a.swapaxes(0, 1), 2), 8: np.rot90}  # fmt: skip
    for values, photometric in ((GREY, 1), (FLOAT, 1), (COLOURS, 2)):
        content = files.tiff(values, photometric=photometric, tags={274: (3, [tag])})
        found = opened(content, tmp_path / "image", (0, 4000))
        np.testing.assert_array_equal(found, turns[tag](levels(values, 0, 4000)))


UNKNOWN = {
    "floats": (files.tiff(FLOAT), "floats from 0.00"),
    "PFM": (files.pfm(FLOAT), "floats from 0.00"),
    "32 bits": (files.tiff(HUGE), "integers from"),
    "32 bits with a sign": (files.tiff(DEEP.astype(np.int32)), "integers from -2"),
    "16 bits with a sign": (files.tiff(SIGNED), "integers from -9"),
    "16 bits with a sign that say 4095": (files.tiff(SIGNED, tags=LARGEST), "integers from -9"),
    "8 bits with a sign": (files.tiff(BYTES.view(np.int8)), "integers from -1"),
    "floats that say 0.93": (files.tiff(FLOAT, tags={341: (11, [0.93])}), "floats from"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_samples_of_which_nobody_says_what_is_white_are_refused(kind: str, tmp_path: Path):
    content, words = UNKNOWN[kind]
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(BadImage, match=rf"{words}.*Next: say so: --pixel-range LOW HIGH"):
        open_image(tmp_path / "image")
    with pytest.raises(BadOnDevice, match=rf"{words}.*the bundle's model knows no such images"):
        decode(content)
    seen = look_at(tmp_path / "image")
    assert np.isnan(seen.white)
    assert np.ptp(np.asarray(seen.image)) > 200, "it is stretched to be looked at"


NAN = np.where(GREY.max() == GREY, np.nan, FLOAT).astype(np.float32)
REFUSED = {
    "CIELAB": (files.tiff(BYTES[..., None].repeat(3, 2), photometric=8), None, "CIELAB.*RGB"),
    "no number": (files.tiff(NAN), (0, 1), "not finite"),
    "grey with alpha of 16 bits": (files.png(COLOURS[..., :2]), (0, 4095), "upper 8 bits only"),
    "colours as text": (files.pnm(COLOURS, 65535, text=True), (0, 4095), "written as text"),
    "floats of 64 bits": (files.tiff(FLOAT.astype(np.float64)), None, "samples that are not read"),
    "floats of 16 bits": (
        files.tiff(FLOAT.astype(np.float16)),
        (0, 1),
        "samples that are not read",
    ),
    "grey with a mask": (files.tiff(COLOURS[..., :2].copy()), None, "samples that are not read"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_refused_with_its_reason(kind: str, tmp_path: Path):
    content, declared, words = REFUSED[kind]
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(BadImage, match=words):
        open_image(tmp_path / "image", declared)
    with pytest.raises(BadOnDevice):
        decode(content, pixel_range=declared)


@pytest.mark.parametrize("wrong", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_range_has_a_width(wrong: tuple[float, float]):
    with pytest.raises(ValueError, match="two numbers, LOW below HIGH"):
        ImageSpec(pixel_range=wrong)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (files.pnm(GREY, 4095), (GREY.min(), GREY.max(), 4095, True)),
        (files.png(WIDE), (WIDE.min(), WIDE.max(), 65535, True)),
        (files.png(COLOURS), (0, (COLOURS.max() >> 8) * 257, 65535, True)),
        (files.tiff(BYTES), (BYTES.min(), BYTES.max(), 255, False)),
    ],
)
def test_what_is_seen_of_samples(content: bytes, wanted: tuple[float, ...], tmp_path: Path):
    (tmp_path / "image").write_bytes(content)
    seen = look_at(tmp_path / "image")
    assert (seen.low, seen.high, seen.white, seen.deep) == wanted
    assert seen.pages == 1
    assert np.ptp(np.asarray(seen.image)) > 200


def test_the_spread_is_that_of_one_channel(tmp_path: Path):
    pixels = np.zeros((6, 10, 3), np.uint8) + np.array([10, 120, 250], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    seen = look_at(tmp_path / "image.png")
    assert (seen.low, seen.high, seen.spread) == (10, 250, 0)


def test_pages_are_counted_but_not_those_of_a_telephone(tmp_path: Path):
    pages = [Image.fromarray(BYTES), Image.fromarray(255 - BYTES)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    assert look_at(tmp_path / "two.tif").pages == 2
    np.testing.assert_array_equal(np.asarray(open_image(tmp_path / "two.tif")), BYTES)
    pages[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pages[1:])
    assert look_at(tmp_path / "phone.jpg").pages == 1


def test_the_cache_knows_the_source_of_samples(monkeypatch: pytest.MonkeyPatch):
    before = images.decoder()
    monkeypatch.setattr(images.samples, "__name__", "edgepress.data.table")
    assert images.decoder() != before
