"""Photographs and streams of them; decoded as in training."""

import io
import struct
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import device_bundles
import numpy as np
import pytest
from PIL import Image

from edgepress.data.images import open_image
from edgepress.device.errors import DeviceError
from edgepress.device.images import BadImage, decoding, frames
from edgepress.device.model.session import Prediction
from edgepress.device.running import predict
from edgepress.device.serving import service


def photograph(mode: str) -> Image.Image:
    random = np.random.default_rng(0)
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 2**16, (50, 40)).astype(np.uint16))
    colours = random.integers(0, 256, (50, 40, 3)).astype(np.uint8)
    return Image.fromarray(colours).convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "P", "1", "LA"])
def test_every_kind_of_image_is_decoded_as_in_training(mode: str, tmp_path: Path):
    path = tmp_path / "photo.png"
    photograph(mode).save(path)
    expected = np.asarray(open_image(path).convert("RGB"))
    np.testing.assert_array_equal(decoding.decode(path), expected)
    np.testing.assert_array_equal(decoding.decode(path.read_bytes()), expected)
    assert np.ptp(expected) > 100


def test_a_turned_photograph_is_set_upright(tmp_path: Path):
    photo, exif = photograph("RGB"), Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    photo.save(tmp_path / "photo.png", exif=exif)
    decoded = decoding.decode(tmp_path / "photo.png")
    assert decoded.shape == (40, 50, 3)
    np.testing.assert_array_equal(decoded, np.rot90(np.asarray(photo), -1))


@pytest.mark.parametrize(
    "content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF"]
)
def test_what_is_no_image_is_told(content: bytes):
    with pytest.raises(BadImage, match="Bad image"):
        decoding.decode(content)


def test_half_an_image_is_told():
    whole = device_bundles.encoded(device_bundles.image(0), "JPEG")
    with pytest.raises(BadImage, match="cannot be decoded"):
        decoding.decode(whole[: len(whole) // 2])


def test_a_large_image_is_refused_undecoded():
    with pytest.raises(BadImage, match="more than 1,000"):
        decoding.decode(device_bundles.encoded(device_bundles.image(0)), max_pixels=1000)
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    whole = device_bundles.encoded(device_bundles.image(0))
    bomb = whole[:16] + header + whole[29:]
    with pytest.raises(BadImage, match="Bad image"):
        decoding.decode(bomb)


def test_files_and_folders(tmp_path: Path):
    for name in ("b/2.png", "b/1.jpg", "notes.txt", "a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(device_bundles.encoded(device_bundles.image(0)))
    found = list(frames.from_files([tmp_path, tmp_path / "notes.txt", tmp_path / "none.png"]))
    names = [str(Path(frame.name).relative_to(tmp_path)) for frame in found]
    assert names == ["a.png", "b/1.jpg", "b/2.png", "notes.txt", "none.png"]
    assert [frame.pixels is None for frame in found] == [False] * 4 + [True]
    assert "no such file" in (found[-1].error or "")


def test_paths_on_standard_input(tmp_path: Path):
    (tmp_path / "a b.png").write_bytes(device_bundles.encoded(device_bundles.image(0)))
    lines = f"{tmp_path / 'a b.png'}\n\n{tmp_path / 'none.png'}\n".encode()
    found = list(frames.from_list(io.BytesIO(lines)))
    assert [frame.error is None for frame in found] == [True, False]


def test_images_behind_their_length():
    files = [device_bundles.encoded(device_bundles.image(seed)) for seed in range(3)]
    files.insert(1, b"no image")
    stream = io.BytesIO(b"".join(struct.pack(">I", len(one)) + one for one in files))
    found = list(frames.from_lengths(stream))
    assert [frame.error is None for frame in found] == [True, False, True, True]
    np.testing.assert_array_equal(found[3].pixels, device_bundles.image(2))


@pytest.mark.parametrize("content", [b"\0\0", b"\0\0\0\0", b"\0\0\0\5abc", b"\xff\xff\xff\xffabc"])
def test_a_broken_stream_of_lengths_is_told(content: bytes):
    with pytest.raises(DeviceError, match="breaks at frame 0"):
        list(frames.from_lengths(io.BytesIO(content)))


def test_raw_frames():
    first, second = device_bundles.image(0), device_bundles.image(1)
    stream = io.BytesIO(first.tobytes() + second.tobytes())
    found = list(frames.raw(stream, *first.shape[:2]))
    assert found == [first.tobytes(), second.tobytes()]
    shown = frames.raw_frame(1, found[1], *first.shape[:2])
    np.testing.assert_array_equal(shown.pixels, second)
    with pytest.raises(DeviceError, match="breaks at frame 1"):
        list(frames.raw(io.BytesIO(first.tobytes() + b"x"), *first.shape[:2]))


def deep() -> tuple[bytes, np.ndarray]:
    """Return a PNG file of 12 bits in 16, and its pixels by the range 0 to 4095."""
    samples = np.random.default_rng(0).integers(0, 4096, (50, 40)).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "PNG")
    grey = (samples * 255.0 / 4095).astype(np.uint8)
    return stream.getvalue(), np.broadcast_to(grey[..., None], (50, 40, 3))


class Release:
    """A release that was trained by a range, and keeps what it is given."""

    def __init__(self, pixel_range: tuple[float, float] | None = (0.0, 4095.0)) -> None:
        bundle = SimpleNamespace(pixel_range=pixel_range, names=("a",))
        self.predictor = SimpleNamespace(bundle=bundle, need_bytes=lambda height, width: 0)
        self.seen: list[np.ndarray] = []

    def predict(self, pixels: np.ndarray) -> Prediction:
        self.seen.append(pixels)
        return Prediction(np.zeros(1, np.float32), (), 0.1, self.predictor.bundle)


@pytest.mark.parametrize("how", ["images", "paths", "lengths"])
def test_predict_reads_samples_by_the_range_of_the_release(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    content, wanted = deep()
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    given = {"paths": f"{path}\n".encode(), "lengths": struct.pack(">I", len(content)) + content}
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(given.get(how, b""))))
    options = Namespace(
        images=[path] if how == "images" else [], stdin=None if how == "images" else how,
        latest=False,
    )  # fmt: skip
    read = predict.Reader()
    source = predict.frames_of(options, read)
    read.runner = Release()
    (frame,) = source
    np.testing.assert_array_equal(frame.pixels, wanted)
    read.runner = Release(None)
    assert read(path).max() < 16


def test_the_server_reads_samples_by_the_range_of_the_release():
    content, wanted = deep()
    release = Release()
    service.Service(release, None, service.Limits()).predict(content)
    np.testing.assert_array_equal(release.seen[0], wanted)
