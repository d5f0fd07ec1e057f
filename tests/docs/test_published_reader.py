"""The few lines that the page on shipping publishes read photographs as the product does."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pages
import pytest
from PIL import Image

from edgepress.core import artifact as artifacts
from edgepress.core.eval_file import load_eval
from edgepress.core.image_spec import ImageSpec
from edgepress.data import split
from edgepress.data.dataset import open_data
from edgepress.data.images import open_image, to_pixels
from edgepress.data.pixels import normalise


def reader() -> str:
    """Return the code that the README publishes for programs of one's own."""
    (code,) = pages.blocks(pages.DOCS / "shipping.md", "python")
    assert len(code.strip().splitlines()) <= 30
    return code


class Seen(Exception):
    """The published reader has given this to the network."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, ImageSpec], np.ndarray]:
    """Run the published reader on a photograph up to the network; return the network's input."""

    def pixels(photo: Path, spec: ImageSpec) -> np.ndarray:
        meta = {
            "edgepress.labels": json.dumps({"names": ["a"], "thresholds": [0.5]}),
            "edgepress.image": spec.model_dump_json(),
        }

        def run(_: list[str], inputs: dict[str, np.ndarray]) -> None:
            raise Seen(inputs["image"])

        session = SimpleNamespace(
            get_modelmeta=lambda: SimpleNamespace(custom_metadata_map=meta), run=run
        )
        monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: session)
        monkeypatch.setattr(sys, "argv", ["reader.py", "model.onnx", str(photo)])
        with pytest.raises(Seen) as seen:
            exec(compile(reader(), "shipping.md", "exec"), {})
        return np.asarray(seen.value.args[0])

    return pixels


def written(path: Path, kind: str, tall: int = 50, wide: int = 70) -> Path:
    """Write a photograph of noise: a mode of Pillow with a format, or `turned-N` by its tag."""
    random = np.random.default_rng(0)
    colours = Image.fromarray(random.integers(0, 256, (tall, wide, 3)).astype(np.uint8))
    whole = random.integers(0, 2**16, (tall, wide)).astype(np.uint16)
    name, _, number = kind.partition("-")
    if name == "turned":
        exif = Image.Exif()
        exif[0x0112] = int(number)
        colours.save(path.with_suffix(".jpg"), exif=exif)
        return path.with_suffix(".jpg")
    ending = {"tiff": ".tif", "jpeg": ".jpg"}.get(number, ".png")
    image = Image.fromarray(whole) if name == "I;16" else colours.convert(name)
    image.save(path.with_suffix(ending))
    return path.with_suffix(ending)


def products(photo: Path, spec: ImageSpec) -> np.ndarray:
    return normalise(to_pixels(open_image(photo, spec.pixel_range), spec)[None], spec)


CENTRE = ImageSpec(height=24, width=40, crop="center", interpolation="bicubic")
KINDS = (
    *(f"turned-{number}" for number in range(1, 9)),
    "I;16", "I;16-tiff", "1", "L", "LA", "P", "RGB", "RGBA", "CMYK-jpeg", "CMYK-tiff",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", [ImageSpec(height=32, width=24), CENTRE], ids=["squash", "center"])
def test_the_published_reader_gives_the_products_pixels(
    read: Callable[..., np.ndarray], kind: str, spec: ImageSpec, tmp_path: Path
):
    photo = written(tmp_path / "photo", kind)
    found, wanted = read(photo, spec), products(photo, spec)
    np.testing.assert_array_equal(found, np.broadcast_to(wanted, found.shape))
    assert np.ptp(found) > 0.5


@pytest.mark.parametrize("size", [(90, 30), (30, 90), (24, 40), (61, 61)])
def test_the_published_reader_cuts_the_middle_out(read, size: tuple[int, int], tmp_path: Path):
    photo = written(tmp_path / "photo", "RGB", *size)
    np.testing.assert_array_equal(read(photo, CENTRE), products(photo, CENTRE))


def test_the_published_reader_takes_a_declared_range(read, tmp_path: Path):
    spec = CENTRE.model_copy(update={"pixel_range": (1000.0, 40_000.0)})
    for kind in ("I;16", "I;16-tiff", "RGB", "turned-6"):
        photo = written(tmp_path / "photo", kind)
        found, wanted = read(photo, spec), products(photo, spec)
        np.testing.assert_array_equal(found, np.broadcast_to(wanted, found.shape))


@pytest.mark.parametrize("kind", ["F-tiff", "I-tiff"])
def test_the_published_reader_refuses_what_it_would_read_wrongly(read, kind: str, tmp_path: Path):
    photo = written(tmp_path / "photo", kind)
    for declared in (None, (0.0, 255.0)):
        with pytest.raises(SystemExit, match=r"edgepress/device/images/samples\.py"):
            read(photo, CENTRE.model_copy(update={"pixel_range": declared}))


@pytest.mark.slow
def test_the_reader_predicts_what_the_benchmark_measured(finished: Path, scenes: Path, tmp_path):
    script = tmp_path / "reader.py"
    script.write_text(reader())
    artifact = artifacts.load(finished / "student-int8")
    data = open_data(str(scenes))
    stored = load_eval(artifact.path / "eval.npz")
    rows = split.indices(data, artifact.manifest.data.split, "test")
    labels = artifact.manifest.labels
    for place in (0, 5, 9):
        done = subprocess.run(
            [sys.executable, script, artifact.weights, data.paths[rows[place]]],
            capture_output=True, text=True, check=True, cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        found = set(ast.literal_eval(done.stdout))
        wanted = stored.scores[0, place] >= np.array(labels.thresholds)
        assert found == {name for name, hit in zip(labels.names, wanted, strict=True) if hit}
