"""What the README shows is what the code does."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import tables
from PIL import Image

from benchmarks.claims import readme
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.eval_file import load_eval
from edgepress.core.image_spec import ImageSpec
from edgepress.data import split
from edgepress.data.dataset import open_data
from edgepress.data.images import open_image, to_pixels
from edgepress.data.pixels import normalise

ROOT = Path(__file__).resolve().parents[1]


def text() -> str:
    return (ROOT / "README.md").read_text()


def test_tables_are_those_of_the_committed_figures():
    stale = [str(file) for file, table in tables.tables() if file.read_text() != f"{table}\n"]
    assert not stale, "run `make readme`"


def test_all_committed_figures_have_a_table():
    known = {file.with_suffix(".json") for file, _ in tables.tables()}
    found = set(tables.RESULTS.glob("*.json"))
    assert found - known == set()


def test_pages_show_the_committed_tables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    for page in readme.pages(ROOT / "README.md"):
        assert readme.updated(page.read_text()) == page.read_text(), f"{page}: run `make readme`"


def test_a_stale_table_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    stale = re.sub(r"student-int8", "student-int9", text())
    assert readme.updated(stale) != stale
    with pytest.raises(UserError, match="<!-- no-such-table -->"):
        readme.updated("<!-- no-such-table -->\n<!-- /no-such-table -->")


def test_a_readme_that_is_not_there_is_bad_input(command, tmp_path: Path):
    done = command("benchmarks.claims.readme", "--readme", tmp_path / "none.md")
    assert done.code == 2
    assert "none.md" in done.err


def test_every_linked_file_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text())
    assert links
    assert all((ROOT / link).exists() for link in links), links


def reader() -> str:
    """Return the code that the README publishes for programs of one's own."""
    (code,) = re.findall(r"```python\n(.*?)```", text(), re.DOTALL)
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
            exec(compile(reader(), "README.md", "exec"), {})
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
