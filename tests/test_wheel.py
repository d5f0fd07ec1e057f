"""The installed package: everything is in the wheel, and it works from an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
OPENED = """
from pathlib import Path
import edgepress, jinja2
from edgepress.core import artifact
from models.defaults import default_model
from models.stored import load_network
site = Path(edgepress.__file__).parents[1]
templates = sorted(site.rglob("*.jinja"))
for file in templates:
    jinja2.Environment().parse(file.read_text())
found = artifact.load(default_model())
assert found.path.is_relative_to(site), found.path
print(len(templates), type(load_network(found)).__name__)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy: setuptools leaves files beside the sources."""
    pytest.importorskip("setuptools")
    place = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns("__pycache__")
    for room in ROOMS:
        shutil.copytree(ROOT / room, place / "source" / room, ignore=ignore)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, place / "source")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    offline = ["--no-build-isolation", "--no-index", "--wheel-dir", place, place / "source"]
    subprocess.run([*command, *offline], check=True, capture_output=True, timeout=300)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """A folder with the wheel's content, as `pip install` leaves it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "site")
    return wheel.parent / "site"


def in_an_empty_folder(
    site: Path, place: Path, *options: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python where nothing lies, with the installed packages before these sources."""
    (place / "empty").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *options], cwd=place / "empty", capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(site)}, timeout=120,
    )  # fmt: skip


def ours() -> Iterator[str]:
    """Yield the files of the rooms, by their place in the wheel."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(ROOT).as_posix()


def test_every_file_of_the_rooms_is_in_the_wheel(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == set(ours())
    assert len({Path(name).suffix for name in packed}) > 8


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("edgepress", ()),
        ("compress", ("--help",)),
        ("export.onnx", ("--help",)),
        ("benchmarks.latency", ("--help",)),
        ("edgepress.device", ("--help",)),
    ],
)
def test_a_command_runs_from_an_empty_folder(
    module: str, options: tuple[str, ...], site: Path, tmp_path: Path
):
    if module == "edgepress" and not (site / "edgepress" / "__main__.py").is_file():
        pytest.skip("there is no list of commands yet")
    done = in_an_empty_folder(site, tmp_path, "-m", module, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 5
    assert not list((tmp_path / "empty").iterdir())


def test_templates_and_the_shipped_model_are_opened(site: Path, tmp_path: Path):
    done = in_an_empty_folder(site, tmp_path, "-c", OPENED)
    assert done.returncode == 0, done.stderr
    templates, network = done.stdout.split()
    assert int(templates) > 2
    assert network
    assert not list((tmp_path / "empty").iterdir())
