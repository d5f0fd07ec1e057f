"""The cache: made again when it is damaged, or when what made it has changed."""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from edgepress.core.image_spec import ImageSpec
from edgepress.data import cache, images, pixels, survey
from edgepress.data.dataset import Dataset, open_data

SPEC = ImageSpec(height=8, width=8)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Return four images in a data set whose cache is empty."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels_ = rng.integers(1, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels_).save(tmp_path / f"{number}.png")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = [["image", "a"], *([f"{n}.png", n % 2] for n in range(4))]
        csv.writer(file).writerows(rows)
    return open_data(str(tmp_path / "labels.csv"))


def test_the_cache_folder_is_made_with_those_above_it(tmp_path: Path, monkeypatch):
    wanted = tmp_path / "on" / "a" / "new" / "disk"
    monkeypatch.setenv("EDGEPRESS_CACHE", str(wanted))
    assert cache.cache_dir() == wanted
    assert cache.cache_dir().is_dir()


def files(kind: str) -> list[Path]:
    return sorted(cache.cache_dir().glob(f"{kind}-*"))


def emptied(content: bytes) -> bytes:
    return b""


def zeros(content: bytes) -> bytes:
    return bytes(len(content))


def zeros_at_the_end(content: bytes) -> bytes:
    return content[:200] + bytes(len(content) - 200)


def zeros_before_the_checksum(content: bytes) -> bytes:
    return content[:-120] + bytes(100) + content[-20:]


def cut(content: bytes) -> bytes:
    return content[:-1]


def one_bit(content: bytes) -> bytes:
    return content[:-60] + bytes([content[-60] ^ 1]) + content[-59:]


DAMAGES = [emptied, zeros, zeros_at_the_end, zeros_before_the_checksum, cut, one_bit]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_damaged_pixels_are_decoded_again_and_it_is_said(data: Dataset, damage, capfd):
    told = np.array(pixels.decoded(data, SPEC))
    (file,) = files("pixels")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    np.testing.assert_array_equal(pixels.decoded(data, SPEC), told)
    assert file.read_bytes() == whole
    assert "a file of the cache is damaged and made again" in capfd.readouterr().err


@pytest.mark.parametrize("damage", [emptied, zeros, cut, zeros_at_the_end])
def test_a_damaged_survey_is_made_again_and_it_is_said(data: Dataset, damage, capfd):
    (file,) = files("look")
    file.write_bytes(damage(file.read_bytes()))
    again = survey.survey(data.paths)
    np.testing.assert_array_equal(again.thumbnails, data.thumbnails)
    assert "a file of the cache is damaged and made again" in capfd.readouterr().err


def test_what_is_whole_is_read_and_not_made_again(data: Dataset, monkeypatch):
    told = np.array(pixels.decoded(data, SPEC))
    monkeypatch.setattr(pixels, "_decode", lambda *_: pytest.fail("it is there"))
    monkeypatch.setattr(survey, "_looks", lambda *_: pytest.fail("it is there"))
    np.testing.assert_array_equal(pixels.decoded(data, SPEC), told)
    survey.survey(data.paths)


@pytest.mark.parametrize(
    "field",
    [{"height": 9}, {"width": 9}, {"interpolation": "bicubic"}, {"crop": "center"}],
    ids=lambda field: next(iter(field)),
)
def test_each_way_to_resize_has_pixels_of_its_own(data: Dataset, field: dict[str, object]):
    pixels.decoded(data, SPEC)
    pixels.decoded(data, SPEC.model_copy(update=field))
    assert len(files("pixels")) == 2
    pixels.decoded(data, SPEC.model_copy(update={"mean": (0.1, 0.2, 0.3)}))
    assert len(files("pixels")) == 2, "normalising comes after"


def newer_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL, "__version__", "99.0")


def newer_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.features, "version", lambda name: f"{name} 99")


def changed_source(monkeypatch: pytest.MonkeyPatch) -> None:
    real = images.own_source
    monkeypatch.setattr(images, "own_source", lambda *names: real(*names) + "changed")


@pytest.mark.parametrize("change", [newer_pillow, newer_codec, changed_source])
def test_another_decoder_has_a_cache_of_its_own(data: Dataset, monkeypatch, change):
    pixels.decoded(data, SPEC)
    change(monkeypatch)
    pixels.decoded(data, SPEC)
    survey.survey(data.paths)
    assert (len(files("pixels")), len(files("look"))) == (2, 2)


@pytest.mark.parametrize("module", [pixels, survey])
def test_another_source_of_the_cache_has_one_of_its_own(data: Dataset, monkeypatch, module):
    pixels.decoded(data, SPEC)
    monkeypatch.setattr(module, "own_source", lambda _: "changed")
    pixels.decoded(data, SPEC)
    survey.survey(data.paths)
    assert len(files("pixels")) + len(files("look")) == 3


def test_pixels_of_other_images_are_others(data: Dataset):
    from dataclasses import replace

    pixels.decoded(data, SPEC)
    turned = replace(data, image_ids=data.image_ids[::-1])
    pixels.decoded(turned, SPEC)
    assert len(files("pixels")) == 2


@pytest.mark.parametrize("damaged", [b"", bytes(10), b"some byteS", b"some"])
def test_an_unpacked_file_is_held_against_its_content(data: Dataset, damaged: bytes):
    path = cache.stored(b"some bytes", ".png")
    path.write_bytes(damaged)
    assert cache.stored(b"some bytes", ".png").read_bytes() == b"some bytes"


def test_a_half_written_file_is_never_there(data: Dataset):
    def fail(draft: Path) -> None:
        draft.write_bytes(b"half")
        raise KeyboardInterrupt

    path = cache.cache_dir() / "file.npy"
    with pytest.raises(KeyboardInterrupt):
        cache.cached_file(path, fail)
    assert not path.exists()
    assert not list(cache.cache_dir().glob("*draft*"))
    assert not list(cache.cache_dir().glob(".*draft*"))


def test_two_that_write_one_file_do_not_share_a_draft(data: Dataset):
    """The second begins and ends while the first is at it."""
    path = cache.cache_dir() / "file.npy"

    def write(content: bytes, also: partial[Path] | None, draft: Path) -> None:
        draft.write_bytes(content)
        if also:
            also()
        assert draft.read_bytes() == content

    other = partial(cache.cached_file, path, partial(write, b"b", None))
    cache.cached_file(path, partial(write, b"a", other))
    assert path.read_bytes()[:1] == b"a"


def test_a_draft_is_on_the_disk_before_it_has_its_name(data: Dataset, monkeypatch):
    from edgepress.core import writable

    seen = []
    monkeypatch.setattr(writable, "flush", lambda draft: seen.append((draft.name, file.exists())))
    file = cache.cache_dir() / "result.json"
    writable.write_whole(file, "{}")
    ((name, was_there),) = seen
    assert ".draft" in name
    assert not was_there
    assert file.read_text() == "{}"
