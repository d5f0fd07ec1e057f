"""Samples of more than 8 bits in a data set: asked for, warned of, and kept to the device."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sample_files as files
from PIL import Image

from benchmarks.inspection.schema import DataReport
from edgepress.core.artifact import load
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import pixels, ranges
from edgepress.data.dataset import open_data
from edgepress.data.images import open_image, to_pixels
from edgepress.data.ranges import Ranges

Write = Callable[[np.ndarray], tuple[bytes, str]]


def as_png(unit: np.ndarray) -> tuple[bytes, str]:
    return files.png((unit * 4095).astype(np.uint16)), "png"


def as_floats(unit: np.ndarray) -> tuple[bytes, str]:
    return files.tiff(unit.astype(np.float32)), "tif"


def as_pgm(unit: np.ndarray) -> tuple[bytes, str]:
    return files.pnm((unit * 4095).astype(np.uint16), 4095), "pgm"


def folder(path: Path, write: Write, n: int = 40) -> Path:
    """Write pictures of noise with a table; every other one is bright."""
    random, rows = np.random.default_rng(0), [["image", "bright"]]
    path.mkdir()
    for number in range(n):
        content, ending = write(0.4 * random.random((20, 24)) + 0.5 * (number % 2))
        (path / f"{number}.{ending}").write_bytes(content)
        rows.append([f"{number}.{ending}", str(number % 2)])
    with (path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def facts(*images: tuple[float, float, float, bool]) -> Ranges:
    """Return facts of images by their least and largest sample, the white one, and if deep."""
    low, high, white, deep = (np.array(column) for column in zip(*images, strict=True))
    spread, pages = high - low, np.ones(len(images), np.int32)
    seen = (low * 1.0, high * 1.0, spread * 1.0, white * 1.0, deep.astype(bool))
    return Ranges(*seen, pages, np.zeros(len(images), bool))


NAN = float("nan")
EIGHT = (0, 255, 255, False)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (facts(EIGHT), ""),
        (facts(EIGHT, (0, 65535, 65535, True)), ""),
        (facts((0, 32768, 65535, True)), ""),
        (facts((0, 4095, 4095, True)), ""),
        (facts((0, 900, 65535, True), (0, 60_000, 65535, True)), ""),  # one is dark, not all
        (facts(EIGHT, (0, 32767, 65535, True)), "at most 15 of them .largest sample 32,767."),
        (facts((9, 3000, 65535, True), (5, 4095, 65535, True)), "at most 12 of them.* 16 of 256"),
        (facts((0, 0, 65535, True)), "at most 1 of them"),
        (facts(EIGHT, (-3, 0.5, NAN, True)), "^1 images have floats or integers from -3 to 0.5"),
    ],
)
def test_what_is_not_known_of_samples(found: Ranges, words: str):
    if not words:
        assert ranges.doubt(found) is None
        assert ranges.check(found, None, "data") is None
        return
    with pytest.raises(UserError, match=words) as refused:
        ranges.check(found, None, "data")
    assert "Next: say so when you train: --pixel-range LOW HIGH" in str(refused.value)
    assert ranges.check(found, (0, 4095), "data") is None


@pytest.mark.parametrize(
    ("found", "likely"),
    [
        (facts((0, 4095, 65535, True)), (0, 4095)),
        (facts((0, 1023, 65535, True)), (0, 1023)),
        (facts((0, 1024, 65535, True)), (0, 2047)),
        (facts((0, 0.9, NAN, True)), (0, 1)),
        (facts((-0.1, 0.9, NAN, True)), None),
        (facts((0, 1.1, NAN, True)), None),
        (facts(EIGHT), None),
    ],
)
def test_the_likely_range_is_named(found: Ranges, likely: tuple[float, float] | None):
    assert ranges.likely(found) == likely
    named = f"e.g. --pixel-range {likely[0]} {likely[1]}" if likely else ranges.SAY
    assert named in ranges.advice(found)


def test_grey_levels_by_hand():
    found = facts((7, 7, 255, False), (0, 15, 255, False), (0, 16, 255, False),
                  (0, 4095, 65535, True), (0, 0.5, NAN, True), (0.5, 0.5, NAN, True))  # fmt: skip
    np.testing.assert_allclose(found.levels(None), [0, 15, 16, 4095 / 257, 255, 0])
    assert ranges.flat_rows(found, None).tolist() == [0, 1, 3, 5]
    np.testing.assert_allclose(found.levels((0, 4095))[:4], [0, 15, 16, 255])
    assert found.levels((5000, 6000))[3] == 0, "all of it is black"


def test_flat_images_are_warned_of_once(capfd):
    found = facts(*[(7, 7, 255, False)] * 4, (0, 9, 255, False), EIGHT)
    paths = tuple(Path(f"{number}.png") for number in range(6))
    ranges.warn(found, None, paths)
    ranges.warn(found, None, paths)
    said = capfd.readouterr().err
    assert said.count("warning") == 1
    assert "5 of 6 images are constant or nearly so" in said
    assert "4 have a single one): 0.png, 1.png, 2.png and 2 more" in said
    ranges.warn(facts(EIGHT), None, paths[:1])
    ranges.warn(None, None, paths)
    assert not capfd.readouterr().err


def test_what_a_range_does_not_hold_is_warned_of(capfd):
    paths = (Path("a"), Path("b"))
    ranges.warn(facts(EIGHT, (-5, 5000, NAN, True)), (0, 4095), paths)
    assert "1 images have samples outside of the pixel range 0 to 4095 (-5 to 5000)" in (
        capfd.readouterr().err
    )
    ranges.warn(facts(EIGHT, EIGHT), (0, 4095), paths)
    assert "no image has more than 8 bits" in capfd.readouterr().err
    ranges.warn(facts(EIGHT, (0, 4095, NAN, True)), (0, 4095), paths)
    assert not capfd.readouterr().err


def test_files_of_several_pictures_are_named(tmp_path: Path, capfd):
    data = folder(tmp_path / "data", as_png, n=4)
    page = Image.fromarray(np.arange(90, dtype=np.uint8).reshape(9, 10))
    page.save(data / "1.png", "TIFF", save_all=True, append_images=[page, page])
    assert open_data(str(data)).ranges.pages.tolist() == [1, 3, 1, 1]
    assert (
        "1 files hold several pictures (pages or frames), of which the first is taken: 1.png"
        in (capfd.readouterr().err)
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L"])
def test_transparent_images_are_named(mode: str, tmp_path: Path, command, capfd):
    data = folder(tmp_path / "data", as_pgm, n=4)
    options = {} if mode.endswith("A") else {"transparency": 9}
    for number, alpha in ((0, 255), (1, 0)):
        image = Image.fromarray(np.arange(90, dtype=np.uint8).reshape(9, 10)).convert(mode)
        if mode.endswith("A"):
            image.putalpha(alpha)
        image.save(data / f"{number}.pgm", "PNG", **(options if number else {}))
    assert open_data(str(data)).ranges.clear.tolist() == [False, True, False, False]
    said = "1 images are transparent in places, and their colours are taken without that: 1.pgm"
    assert said in capfd.readouterr().err
    assert said in inspected(command, data).findings


def test_pixels_are_decoded_by_the_range_and_cached_by_it(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    data = open_data(str(folder(tmp_path / "data", as_floats, n=6)))
    assert data.grey
    with pytest.raises(UserError, match="6 images have floats"):
        pixels.decoded(data, ImageSpec(height=8, width=8))
    for declared in ((0.0, 1.0), (0.2, 0.8)):
        spec = ImageSpec(height=8, width=8, pixel_range=declared)
        found = pixels.decoded(data, spec)
        assert np.ptp(found) > 100
        for row, path in enumerate(data.paths):
            wanted = to_pixels(open_image(path, declared), spec)
            np.testing.assert_array_equal(found[row], np.broadcast_to(wanted, found[row].shape))


def test_thumbnails_of_unknown_samples_can_be_told_apart(tmp_path: Path):
    for name, write in (("floats", as_floats), ("bits", as_png)):
        thumbnails = open_data(str(folder(tmp_path / name, write, n=6))).thumbnails
        assert (np.ptp(thumbnails, axis=(1, 2)) > 60).all()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (as_floats, "40 images have floats or integers from"),
        (as_png, "All images of 16 bits use at most 12 of them"),
    ],
)
def test_training_asks_for_the_range_before_any_work(
    command, write: Write, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("edgepress.data.splitting.split_by", None)  # the first of the work
    data, out = folder(tmp_path / "data", write), tmp_path / "out"
    done = command("compress.train", "--data", data, "--out", out, *TRAINING)
    assert done.code == 2, done.err
    assert words in done.err
    assert "e.g. --pixel-range 0 " in done.err
    assert not out.exists()
    wrong = command("compress.train", "--data", data, "--out", out, "--pixel-range", 5, 2)
    assert wrong.code == 2
    assert "LOW below HIGH" in wrong.err


TRAINING = ("--arch", "tiny_network:build", "--weights", "random", "--image-size", 32, "--epochs",
            0, "--batch-size", 8, "--gate", "map >= 0")  # fmt: skip


def test_a_range_goes_from_the_training_to_the_device(command, tmp_path: Path):
    data, model, file = folder(tmp_path / "data", as_png), tmp_path / "model", tmp_path / "onnx"
    done = command(
        "compress.train", "--data", data, "--out", model, *TRAINING, "--pixel-range", 0, 4095
    )
    assert done.code == 0, done.err
    assert load(model).manifest.image.pixel_range == (0, 4095)
    done = command(
        "export.onnx", "--model", model, "--data", data, "--quantize", "none", "--out", file,
        "--gate", "parity <= 1e-2",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert load(file).manifest.image.pixel_range == (0, 4095)
    done = command(
        "benchmarks.claims.bundle", file, "--data", data, "--out", tmp_path / "bundle.json"
    )
    assert done.code == 0, done.err
    assert "probabilities differ by up to 0," in done.out
    page = command("export.convert", "--model", file, "--format", "web", "--data", data)
    assert page.code == 2
    assert "A browser makes 8 bits of photographs of more" in page.err


def inspected(command, data: Path) -> DataReport:
    done = command("benchmarks.inspection.__main__", data, "--out", data / "out")
    assert done.code == 0, done.err
    return DataReport.model_validate_json((data / "out" / "data.json").read_text())


@pytest.mark.parametrize(
    ("write", "finding"),
    [(as_floats, "40 images have floats"), (as_png, "All images of 16 bits"), (as_pgm, "")],
)
def test_the_inspection_says_what_training_will_ask(command, write, finding: str, tmp_path: Path):
    report = inspected(command, folder(tmp_path / "data", write))
    assert report.n_deep == 40
    assert not report.flat.files
    asked = [said for said in report.findings if "--pixel-range" in said]
    assert len(asked) == bool(finding)
    assert all(said.startswith(finding) for said in asked)
    assert (report.unknown_range or "").startswith(finding)


def test_the_inspection_finds_images_that_show_nothing(command, tmp_path: Path):
    data = folder(tmp_path / "data", as_pgm)
    for number, level in ((3, 0), (4, 5), (5, 40)):
        shown = np.random.default_rng(number).integers(0, level + 1, (20, 24)).astype(np.uint8)
        (data / f"{number}.pgm").write_bytes(b"P5 24 20 255\n" + shown.tobytes())
    report = inspected(command, data)
    assert (report.n_deep, report.flat.n_constant) == (37, 1)
    assert report.flat.files == ("3.pgm", "4.pgm")
    (finding,) = [said for said in report.findings if "constant" in said]
    assert finding.endswith("2, 1 of them with a single one: 3.pgm, 4.pgm")


def test_a_data_set_knows_the_ranges_of_its_good_images_only(tmp_path: Path):
    data = folder(tmp_path / "data", as_pgm, n=5)
    (data / "2.pgm").write_bytes(b"none")
    opened = open_data(str(data), skip_bad_images=True)
    assert len(opened.ranges.low) == 4
    assert opened.ranges.white.tolist() == [4095] * 4
    assert replace(opened, ranges=None).ranges is None
