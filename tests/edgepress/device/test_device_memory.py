"""What a photograph takes is known before, is shared, and is refused where it is too much."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import device_bundles
import numpy as np
import pytest
import resizing_model
from device_server import start
from PIL import Image
from places import ROOT

from benchmarks.claims.worst_images import files
from benchmarks.claims.worst_images.cases import CASES, Case
from edgepress.core.image_spec import ImageSpec
from edgepress.data.images import open_image
from edgepress.device.errors import DeviceError
from edgepress.device.images import TooLarge, decoding, need
from edgepress.device.serving.budget import MOST_PASSED, Budget
from edgepress.device.serving.limits import Limits

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK", "YCbCr"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
}
"""Of the formats, as Pillow writes them."""
SIZE = (41, 50)


def photograph(mode: str) -> Image.Image:
    random = np.random.default_rng(0)
    if mode in ("I;16", "I"):
        kind = np.uint16 if mode == "I;16" else np.int32
        return Image.fromarray(random.integers(0, 2**16, SIZE).astype(kind))
    return Image.fromarray(random.integers(0, 256, (*SIZE, 3)).astype(np.uint8)).convert(mode)


@pytest.mark.parametrize(
    ("form", "mode"), [(form, mode) for form, modes in MODES.items() for mode in modes]
)
def test_strips_are_the_whole_upright(
    form: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(need, "STRIP_PIXELS", 100)
    path = tmp_path / "photo"
    declared = (0.0, 200.0) if mode in ("I", "F") else None  # of which the file says nothing
    for turned in (None, *range(10)):
        exif = Image.Exif()
        if turned is not None:
            exif[0x0112] = turned
        photograph(mode).save(path, form, exif=exif)
        expected = np.asarray(open_image(path, declared).convert("RGB"))
        with decoding.opened(path) as photo:
            assert expected.shape[:2] in photo.shapes
            assert len(photo.shapes) == 1
        for source in (path, path.read_bytes()):
            np.testing.assert_array_equal(decoding.decode(source, pixel_range=declared), expected)
        if form != "BMP" and turned is not None and mode not in ("CMYK", "YCbCr", "1"):
            assert expected.shape[:2] == (SIZE[::-1] if turned in (5, 6, 7, 8) else SIZE)


@pytest.mark.parametrize("way", ["exif behind", "xmp", "xmp behind"])
def test_which_side_is_up_may_be_told_elsewhere(way: str):
    colours = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    told = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    if way != "exif behind":
        told = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
    kind = b"eXIf" if way == "exif behind" else b"iTXt"
    whole = device_bundles.encoded(colours)
    place = len(whole) - 12 if "behind" in way else 33
    content = whole[:place] + files.chunk(kind, told) + whole[place:]
    with decoding.opened(content) as photo:
        assert photo.shapes == {SIZE, SIZE[::-1]}
        np.testing.assert_array_equal(photo.pixels(), np.rot90(colours, -1))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.status == 413 and "nothing" not in case.name],
    ids=lambda case: case.name,
)  # fmt: skip
def test_what_takes_too_much_is_refused_undecoded(case: Case, monkeypatch: pytest.MonkeyPatch):
    content = case.make()
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(TooLarge):
        admit(content)


def admit(content: bytes) -> None:
    """Hold a photograph against the limits as the server does, for a network 224 pixels wide."""
    with decoding.opened(content) as photo:
        for height, width in photo.shapes:
            taken = need.resizing(height, width, columns=224, arena=True)
            decoding.check_memory(taken, height, width, decoding.MEMORY_BYTES)


def test_no_photograph_of_16_megapixels_is_refused():
    for mode in ("L", "RGB", "CMYK", "I;16"):
        image = Image.new(mode, (4000, 4000))
        for form in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM"):
            image.format = form
            assert need.decoding(image, 8 << 20) <= decoding.MEMORY_BYTES, (mode, form)
    for size in ((4000, 4000), (2828, 5657), (32_000, 500)):
        assert need.resizing(size[1], size[0], 224, arena=True) <= decoding.MEMORY_BYTES
        assert need.resizing(size[1], size[0], 224, arena=False) <= decoding.MEMORY_BYTES


def test_a_photograph_may_take_by_itself_what_the_server_has_for_them() -> None:
    assert Limits().photo_bytes == decoding.MEMORY_BYTES


TAKES = """
import io, json, re, sys
from pathlib import Path
from edgepress.device.images import decoding
from edgepress.device.model import memory
from edgepress.device.images import need
from edgepress.device.bundle import open_folder
from edgepress.device.model.session import Predictor
from benchmarks.claims.worst_images.cases import CASES

def status(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def took(work):
    memory.give_back()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    return work(), status("VmHWM") - before

decoding.bound_texts()
predictor = Predictor(open_folder(Path(sys.argv[1])))
names = json.loads(sys.argv[2])
for case in (case for case in CASES if case.name in names):
    content = case.make()
    with decoding.opened(content) as photo:
        foreseen = photo.need_bytes
    pixels, taken = took(lambda: decoding.decode(content))
    print(json.dumps([case.name, "decoding", taken, foreseen]))
    _, running = took(lambda: predictor.predict(pixels))
    foreseen = predictor.need_bytes(*pixels.shape[:2]) - pixels.nbytes
    print(json.dumps([case.name, "predicting", running, foreseen]))
    del pixels
"""
MEASURED = (
    "PNG 1 x 20,000", "PNG 16 megapixels grey of 16 bits", "PNG 3 MB of packed texts",
    "JPEG 16 megapixels progressive CMYK", "WebP 16 megapixels lossless",
)  # fmt: skip
"""One of each kind of need; `benchmarks.claims.worst_images` has them all."""


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
@pytest.mark.parametrize("arena", [True, False])
def test_no_photograph_takes_more_than_was_foreseen(arena: bool, tmp_path: Path):
    bundle = device_bundles.unpacked(tmp_path, resizing_bundle(arena))
    names = MEASURED if arena else MEASURED[:2]
    start = [sys.executable, "-c", TAKES, str(bundle), json.dumps(names)]
    done = subprocess.run(start, cwd=ROOT, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 2 * len(names), done.stderr
    assert not [row for row in rows if row[2] > row[3]]
    large = [row for row in rows if row[2] > 70e6]
    assert len(large) >= 3
    assert not [row for row in large if row[2] < row[3] / 4], "and it is no wild guess"


def resizing_bundle(arena: bool) -> dict[str, bytes]:
    runtime = {
        "intra_op_threads": 1, "enable_cpu_mem_arena": arena, "allow_spinning": False,
    }  # fmt: skip
    return device_bundles.files(content=resizing_model.model(ImageSpec()), runtime=runtime)


def test_the_network_s_width_counts(tmp_path: Path):
    from edgepress.device.bundle import open_folder
    from edgepress.device.model.session import Predictor

    found = []
    for width in (64, 512):
        content = resizing_model.model(ImageSpec(width=width))
        folder = device_bundles.unpacked(
            tmp_path / str(width), device_bundles.files(content=content)
        )
        found.append(Predictor(open_folder(folder)).need_bytes(10_000, 100))
    assert found[1] - found[0] == 28 * 3 * 10_000 * (512 - 64)


def test_the_server_refuses_and_lets_others_pass(tmp_path: Path):
    bundle = device_bundles.unpacked(tmp_path, resizing_bundle(arena=True))
    thin, ordinary = files.saved("L", (1, 100_000), "PNG"), files.saved("RGB", (640, 480), "JPEG")
    with start(bundle, "--timeout-s", 60) as server:
        status, text = server.ask("POST", "/predict", thin)
        assert status == 413
        assert "100000 pixels" in json.loads(text)["error"]
        assert server.ask("POST", "/predict", files.saved("L", (1, 30_000), "PNG"))[0] == 413
        assert server.ask("POST", "/predict", ordinary)[0] == 200
        assert server.ask("POST", "/predict", files.png_with_texts(8))[0] == 400
    with start(bundle, "--memory-mb", 130, "--timeout-s", 60) as server:
        assert server.ask("POST", "/predict", files.saved("L", (3000, 3000), "PNG"))[0] == 413
        assert server.ask("POST", "/predict", ordinary)[0] == 200


def test_limits_that_do_not_go_together_are_refused():
    Limits().check()
    with pytest.raises(DeviceError, match=r"too little memory for photographs.*8 connections"):
        Limits(memory_bytes=100 * 10**6).check()
    least = 80 * 10**6 + need.head(Limits().body_bytes)
    Limits(memory_bytes=least).check()
    with pytest.raises(DeviceError, match="for the head of one"):
        Limits(memory_bytes=least - 10**6).check()


def wait(budget: Budget, wanted: int, order: list[int], hold: threading.Event) -> threading.Thread:
    def have() -> None:
        with budget.taken(wanted, 20):
            order.append(wanted)
            hold.wait(20)

    waiting, thread = len(budget._waiting), threading.Thread(target=have)
    thread.start()
    until = time.monotonic() + 20
    while len(budget._waiting) == waiting and wanted not in order and time.monotonic() < until:
        time.sleep(0.001)
    return thread


def test_small_photographs_pass_a_large_one_but_not_for_ever():
    budget, order, hold, free = Budget(100, 50), list[int](), threading.Event(), threading.Event()
    free.set()
    first = wait(budget, 90, order, hold)
    large = wait(budget, 91, order, free)
    small = [wait(budget, 1, order, free) for _ in range(MOST_PASSED)]
    for thread in small:
        thread.join()
    late = wait(budget, 2, order, free)
    assert order == [90] + [1] * MOST_PASSED
    hold.set()
    for thread in (first, large, late):
        thread.join()
    assert order[-2:] == [91, 2]


def test_who_waits_too_long_is_told_and_takes_nothing():
    budget = Budget(100, 2)
    with budget.taken(60, 1), pytest.raises(TimeoutError), budget.taken(60, 0.01):
        pass
    with budget.taken(0, 1), budget.taken(0, 1), pytest.raises(TimeoutError), budget.taken(0, 0.01):
        pass
    with budget.taken(100, 0.01):
        assert budget._left == 0
    assert (budget._left, budget._free, budget._waiting) == (100, 2, [])
