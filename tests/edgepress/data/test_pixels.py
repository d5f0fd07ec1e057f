"""From files to pixels, exactly: which filter, which part, which order, what the cache keeps."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import images, pixels, views
from edgepress.data.dataset import open_data
from edgepress.data.images import BadImage, open_image, small_jpeg, to_pixels

SPEC = ImageSpec(height=32, width=40)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return Image.fromarray(values[:, :, 0] if channels == 1 else values)


def folder(path: Path, pictures: list[Image.Image]) -> Path:
    path.mkdir()
    lines = ["image,even"]
    for number, picture in enumerate(pictures):
        picture.save(path / f"{number}.png")
        lines.append(f"{number}.png,{1 - number % 2}")
    (path / "labels.csv").write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "change",
    [{}, {"height": 48}, {"width": 48}, {"interpolation": "bicubic"}, {"interpolation": "lanczos"},
     {"crop": "center"}, {"channels": 1}],
)  # fmt: skip
def test_the_cache_keeps_each_way_of_resizing_apart(tmp_path: Path, monkeypatch, change):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    data = open_data(str(folder(tmp_path / "data", [noise(61, 83, seed=n) for n in range(3)])))
    pixels.decoded(data, SPEC)
    spec = SPEC.model_copy(update=change)
    for _ in range(2):  # made, and found
        found = pixels.decoded(data, spec)
        for row, path in enumerate(data.paths):
            np.testing.assert_array_equal(found[row], to_pixels(open_image(path), spec))
    assert len(list((tmp_path / "cache").glob("pixels-*.npy"))) == (2 if change else 1)


def test_normalisation_needs_no_other_pixels(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    data = open_data(str(folder(tmp_path / "data", [noise(40, 40, seed=n) for n in range(2)])))
    for spec in (SPEC, SPEC.model_copy(update={"mean": (0.1, 0.2, 0.3)})):
        pixels.decoded(data, spec)
    assert len(list((tmp_path / "cache").glob("pixels-*.npy"))) == 1


def test_grey_images_are_kept_once_for_networks_of_either_kind(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    pictures = [noise(40, 40, 1, seed=n) for n in range(2)]
    data = open_data(str(folder(tmp_path / "data", pictures)))
    three, one = pixels.decoded(data, SPEC), pixels.decoded(data, SPEC.in_channels(1))
    assert (three.shape[-1], one.shape[-1]) == (3, 1)
    np.testing.assert_array_equal(three, np.broadcast_to(one, three.shape))
    assert len(list((tmp_path / "cache").glob("pixels-*.npy"))) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_decoding_will_write_is_known_before(tmp_path: Path, monkeypatch, channels: int):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    pictures = [noise(40, 40, channels, seed=n) for n in range(3)]
    data = open_data(str(folder(tmp_path / "data", pictures)))
    other, same = SPEC.model_copy(update={"height": 64}), SPEC.model_copy(update={"std": (1, 1, 1)})
    wanted = 3 * 32 * 40 * channels
    assert pixels.missing_bytes(data, [SPEC]) == pixels.missing_bytes(data, [SPEC, same]) == wanted
    assert pixels.missing_bytes(data, [SPEC, other]) == 3 * wanted
    pixels.decoded(data, SPEC)
    assert pixels.missing_bytes(data, [SPEC, other]) == 2 * wanted
    (file,) = (tmp_path / "cache").glob("pixels-*.npy")
    assert 0 < file.stat().st_size - wanted < 200  # the header and the checksum


def by_formula(colours: np.ndarray) -> np.ndarray:
    """Grey as Pillow's C code has it (`Convert.c`, `L24`)."""
    return (colours.astype(int) @ [19595, 38470, 7471] + 32768) >> 16


def test_grey_is_made_before_the_resize_and_only_of_colours():
    spec = ImageSpec(height=20, width=24, channels=1)
    colours = noise(50, 70)
    grey = Image.fromarray(by_formula(np.asarray(colours)).astype(np.uint8))
    found = to_pixels(colours, spec)
    assert found.shape == (20, 24, 1)
    np.testing.assert_array_equal(found, to_pixels(grey, spec))
    np.testing.assert_array_equal(to_pixels(grey, spec), to_pixels(grey, spec.in_channels(3)))
    after = by_formula(to_pixels(colours, spec.in_channels(3)))
    assert (found[..., 0] != after).any()  # the order is seen in the values


@pytest.mark.parametrize("mode", ["L", "I;16", "1", "LA", "P"])
def test_files_of_every_grey_mode_are_as_grey_as_before(tmp_path: Path, mode: str):
    level = np.arange(0, 240, 40, dtype=np.uint8).reshape(2, 3)
    deep = Image.fromarray(level.astype(np.uint16) * 257)
    image = deep if mode == "I;16" else Image.fromarray(level).convert(mode)
    image.save(tmp_path / "image.png")
    spec = ImageSpec(height=2, width=3, channels=1)
    wanted = np.asarray(image.convert("RGB").convert("L")) if mode == "1" else level
    np.testing.assert_array_equal(to_pixels(open_image(tmp_path / "image.png"), spec)[..., 0],
                                  wanted)  # fmt: skip


def test_the_cache_keeps_other_images_apart(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    first, second = (
        open_data(str(folder(tmp_path / str(k), [noise(40, 40, seed=k + n) for n in (0, 1)])))
        for k in (0, 5)
    )
    pixels.decoded(first, SPEC)
    found = pixels.decoded(second, SPEC)
    np.testing.assert_array_equal(found[0], to_pixels(open_image(second.paths[0]), SPEC))


@pytest.mark.parametrize(("kinds", "stored"), [((1, 1), 1), ((1, 3), 3), ((3, 1), 3)])
def test_grey_images_are_spread_over_three_channels(tmp_path: Path, monkeypatch, kinds, stored):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    pictures = [noise(50, 60, channels, n) for n, channels in enumerate(kinds)]
    data = open_data(str(folder(tmp_path / "data", pictures)))
    found = pixels.decoded(data, SPEC)
    assert found.shape == (2, 32, 40, 3)
    file = next((tmp_path / "cache").glob("pixels-*.npy"))
    assert np.load(file).shape == (2, 32, 40, stored)
    for row, picture in enumerate(pictures):
        wanted = np.broadcast_to(to_pixels(picture, SPEC), (32, 40, 3))
        np.testing.assert_array_equal(found[row], wanted)


@pytest.mark.parametrize(
    ("name", "method"),
    [("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC), ("lanczos", Image.LANCZOS)],
)
def test_the_width_is_resized_first_with_the_filter_that_is_named(name: str, method):
    image, spec = noise(200, 61), ImageSpec(height=32, width=48, interpolation=name)
    wanted = image.resize((48, 200), method).resize((48, 32), method)
    np.testing.assert_array_equal(to_pixels(image, spec), np.asarray(wanted))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((100, 40), (25.0, 0, 75.0, 40)),  # wide: half of it is as wide as 5/4 of 40
        ((100, 200), (0, 60.0, 100, 140.0)),
        ((50, 40), (0, 0, 50, 40)),
    ],
)
def test_the_middle_that_a_crop_keeps(size, box):
    spec = SPEC.model_copy(update={"crop": "center"})
    assert images._kept(size, spec) == box
    assert images._kept(size, SPEC) == (0, 0, *size)
    image = noise(size[1], size[0])
    wanted = image.crop(tuple(int(edge) for edge in box))
    inner = (slice(3, -3),) * 2  # Pillow's filters look beyond the edge of what is kept
    np.testing.assert_array_equal(to_pixels(image, spec)[inner], to_pixels(wanted, SPEC)[inner])


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("1", "L"), ("L", "L"), ("LA", "L"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGB")],
)
def test_modes_become_grey_or_colours(tmp_path: Path, mode: str, wanted: str):
    image = noise(8, 8).convert(mode)
    image.save(tmp_path / "image.png")
    found = open_image(tmp_path / "image.png")
    assert found.mode == wanted
    np.testing.assert_array_equal(np.asarray(found), np.asarray(image.convert(wanted)))


def test_a_turned_photograph_stands_upright(tmp_path: Path):
    image, exif = noise(6, 9), Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by a quarter, clockwise
    image.save(tmp_path / "image.png", exif=exif)
    found = np.asarray(open_image(tmp_path / "image.png"))
    np.testing.assert_array_equal(found, np.rot90(np.asarray(image), -1))


def test_too_many_pixels_are_refused_and_just_enough_are_not(tmp_path: Path, monkeypatch):
    noise(8, 9).save(tmp_path / "image.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 72)
    assert open_image(tmp_path / "image.png").size == (9, 8)
    monkeypatch.setattr(images, "MAX_PIXELS", 71)
    with pytest.raises(BadImage, match="9x8 pixels is a decompression bomb"):
        open_image(tmp_path / "image.png")


@pytest.mark.parametrize(("size", "wanted"), [((200, 100), (96, 48)), ((40, 20), (40, 20))])
def test_small_pictures_for_pages(size, wanted):
    found = Image.open(io.BytesIO(small_jpeg(noise(size[1], size[0]))))
    assert (found.format, found.size, found.mode) == ("JPEG", wanted, "RGB")
    grey = Image.open(io.BytesIO(small_jpeg(noise(20, 40, 1))))
    assert grey.mode == "L"


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        ("identity", [[0, 1], [2, 3]]),
        ("rot90", [[1, 3], [0, 2]]),
        ("rot180", [[3, 2], [1, 0]]),
        ("rot270", [[2, 0], [3, 1]]),
        ("flip-identity", [[1, 0], [3, 2]]),
        ("flip-rot90", [[3, 1], [2, 0]]),
        ("flip-rot180", [[2, 3], [0, 1]]),
        ("flip-rot270", [[0, 2], [1, 3]]),
    ],
)
def test_views_by_hand(view: str, wanted):
    image = np.arange(4).reshape(1, 2, 2, 1)
    assert views.apply(view, image)[0, :, :, 0].tolist() == wanted


@pytest.mark.parametrize("use", [lambda v: views.apply(v, np.zeros((1, 2, 2, 1))), views.turn])
def test_an_unknown_view_is_refused(use):
    with pytest.raises(UserError, match=r"view.*rot45"):
        use("rot45")
