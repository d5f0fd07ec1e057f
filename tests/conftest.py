"""Fixtures: a tiny real problem, and the command line as a user runs it."""

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: `make test` runs a process a core

import scenes as scene_maker
from made_once import made_once
from places import ROOT, SUPPORT

gc.disable()  # till the tests are loaded: what is made so far stays, and is not gone through


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    """Keep the tests' cache apart from the user's."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["EDGEPRESS_CACHE"] = str(folder)
    return folder


@pytest.fixture(autouse=True)
def _nothing_said() -> None:
    """Let each test hear what a process says once."""
    from edgepress.core import console

    console.say_once.cache_clear()
    console.warn_once.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _no_waiting() -> None:
    """Do not wait for a quiet machine where other tests run beside these."""
    from benchmarks.timing import quiet_machine

    if "PYTEST_XDIST_WORKER" in os.environ:
        quiet_machine.PRESSURE = Path("/nowhere")


@pytest.fixture
def timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process for each model that is timed, whatever the number of rounds."""
    from timed_once import patch

    patch(monkeypatch)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 600 multi-label scenes of handwritten digits with a table."""
    return made_once(tmp_path_factory, "scenes", lambda folder: scene_maker.write(folder, n=600))


@pytest.fixture(scope="session")
def shell() -> Callable[..., Done]:
    """Run `python -m MODULE ...` in a process of its own, as a user does."""

    def run(module: str, *args: object, cwd: Path = ROOT, timeout: float = 300) -> Done:
        path = os.pathsep.join([str(ROOT), str(SUPPORT)])
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, args)],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run a command's `main` in this process: same parsing and exit code, no new imports."""
    from edgepress.core.cli import main

    monkeypatch.setenv("COLUMNS", "200")

    def run(module: str, *args: object) -> Done:
        loaded = importlib.import_module(module)
        capfd.readouterr()
        try:
            code = main(loaded.Config, loaded.run, [str(arg) for arg in args])
        except SystemExit as ended:  # tyro ends the process on options it cannot parse
            code = int(ended.code or 0)
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory, shell) -> Path:
    """Run train, prune, distil, export and report on the scenes; return the folder of results."""
    recipe = ROOT / "tests" / "recipes" / "scenes.toml"

    def make(out: Path) -> None:
        words = ("compress", "--recipe", recipe, "--data", scenes, "--out", out)
        done = shell("timed_once", *words, timeout=560)
        assert done.code == 0, done.err

    return made_once(tmp_path_factory, "finished", make)


def pytest_collection_finish() -> None:
    """Look for what can be freed among what the tests make, not among what all of them share."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: of several processes none then waits long for the others."""
    items.sort(key=lambda item: ("finished" not in fixtures(item), "slow" not in item.keywords))


def fixtures(item: pytest.Item) -> list[str]:
    """Return the names of the fixtures that a test needs."""
    return getattr(item, "fixturenames", [])
