"""An installation may be killed at any step: the last two proven releases are always there."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import device_bundles
import pytest
from device_kills import FULL
from device_roots import put
from places import ROOT, SUPPORT

from edgepress.device import files as disk
from edgepress.device.bundle import open_folder
from edgepress.device.cli import main
from edgepress.device.errors import DeviceError
from edgepress.device.root import slots
from edgepress.device.root.install import install
from edgepress.device.root.layout import TRIAL, active
from edgepress.device.root.locks import locked
from edgepress.device.root.state import read_state
from edgepress.device.running.runner import running

PROVEN = 4, 5
"""The releases in the slots before, the second one in use; 6 is installed, or fails."""


@pytest.fixture(autouse=True)
def nobody_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundle") / "6.zip"
    return device_bundles.zipped(place, device_bundles.files(seed=6, release=6))


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """Kill an installation at every step; return the roots' folder, and what the whole one did."""
    work = tmp_path_factory.mktemp("installed")
    done = run("install", archive, begin(work))
    assert (done.returncode, done.stderr) == (0, "")
    return work, json.loads(done.stdout)


def begin(work: Path, probation: int = 0) -> Path:
    """Put releases 4 and 5 into the slots of a root that runs begin with."""
    for release in PROVEN:
        put(work / "before", probation, seed=release, release=release)
    return work


def run(what: str, archive: Path, *works: Path) -> "subprocess.CompletedProcess[str]":
    """Kill something at every step."""
    command = [sys.executable, str(SUPPORT / "device_kills.py"), what, archive, *works]
    environment = {"PYTHONPATH": f"{ROOT}:{SUPPORT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def roots(work: Path) -> list[Path]:
    """Return what was left at each step, the one that ended well last."""
    return sorted((one for one in work.iterdir() if one.name.isdigit()), key=lambda a: int(a.name))


def intact(root: Path) -> Iterator[int]:
    """Yield the releases of which every file is there, in whatever place."""
    for manifest in root.glob("**/manifest.json"):
        try:
            yield open_folder(manifest.parent).release
        except DeviceError:
            continue


def copied(root: Path) -> Path:
    """Return a copy of a root that may be changed."""
    copy = root.with_name(f"copy of {root.name}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True)
    return copy


def pair(root: Path) -> tuple[int, int]:
    """Return the release that would be in use, and the one that would be gone back to."""
    copy = copied(root)
    with locked(copy):
        slots.recover(copy)
        return slots.opened(copy).release, slots.roll_back(copy, "by hand").release


def predicts(root: Path) -> int:
    """Return the release that a process predicts with, as systemd starts it after the kill."""
    with running(None, root) as runner:
        return runner.predict(device_bundles.image(0)).bundle.release


def test_install_survives_a_kill_at_every_step(
    installed: tuple[Path, list[Any]], archive: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("edgepress.device.root.trial.self_test", lambda *_: None)
    seen = []
    for step, left_over in enumerate(roots(installed[0])):
        root = copied(left_over)
        assert slots.opened(root).release in (5, 6)
        left = set(intact(root))
        assert {4, 5} <= left or {5, 6} <= left
        seen.append(pair(root))
        assert predicts(root) == seen[-1][0]
        assert {path.name for path in (root / "slots").iterdir()} == {"a", "b"}
        assert not (root / TRIAL).exists()
        if seen[-1] == (6, 5):
            assert read_state(root).probation is not None
        elif step % 4 == 0:  # what was begun stands in nobody's way
            install(archive, root, None, 200)
            assert pair(root) == (6, 5)
    assert seen == sorted(seen)  # before a certain step the one, from then on the other
    assert set(seen) == {(5, 4), (6, 5)}
    assert len(seen) > 60


def test_a_bundle_that_fails_leaves_nothing_at_whatever_step(archive: Path, tmp_path: Path):
    assert run("fail", archive, begin(tmp_path)).returncode == 2
    for root in roots(tmp_path):
        assert slots.opened(root).release == 5
        assert pair(root) == (5, 4)
    last = roots(tmp_path)[-1]
    assert sorted(intact(last)) == [4, 5]


def test_roll_back_survives_a_kill_at_every_step(archive: Path, tmp_path: Path):
    assert run("rollback", archive, begin(tmp_path, 200)).returncode == 0
    seen = []
    for root in roots(tmp_path):
        assert {4, 5} <= set(intact(root))
        seen.append(predicts(root))
        state = read_state(root)
        assert (state.probation is None) == (seen[-1] == 4)
        assert state.failed is None or seen[-1] == 4
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {5, 4}
    assert len(seen) > 10


def test_recovery_survives_a_kill_at_every_step(
    installed: tuple[Path, list[Any]], archive: Path, tmp_path: Path
):
    begun = [root for root in roots(installed[0]) if is_begun(root)]
    assert len(begun) > 8
    works = [tmp_path / root.name for root in begun[::5]]
    for work in works:
        shutil.copytree(installed[0] / work.name, work / "before", symlinks=True)
    assert run("recover", archive, *works).returncode == 0
    for work in works:
        before = pair(work / "before")
        for root in roots(work):
            left = set(intact(root))
            assert {4, 5} <= left or {5, 6} <= left
            assert pair(root) == before


def is_begun(root: Path) -> bool:
    """Return whether an installation was killed between its first change and its last."""
    record = (root / "releases.json").read_text()
    return (root / "slots" / slots.ASIDE).exists() or '"pending": null' not in record


def test_what_is_pointed_to_is_on_the_disk_first(installed: tuple[Path, list[Any]]):
    work, told = installed
    root = str(roots(work)[-1])
    steps = [[one.replace(root, "ROOT") for one in step] for step in told]
    moved = steps.index(["os.rename", "ROOT/slots/.trial/slots/a", "ROOT/slots/a"])
    pointed = steps.index(["os.rename", "ROOT/.current.new", "ROOT/current"])
    waited = [step[1] for step in steps[:moved] if step[0] == "fsync"]
    written = {step[1] for step in steps[:moved] if step[0] == "open" and ".trial" in step[1]}
    assert len(written) == 5
    assert written | {"ROOT/slots/.trial/slots/a", "ROOT/slots/.trial/slots/a/golden"} <= set(
        waited
    )
    assert ["fsync", "ROOT/slots"] in steps[moved:pointed]
    assert ["fsync", "ROOT"] in steps[pointed:]
    assert "ROOT/.releases.json.draft" in waited  # that it is begun is known before


def test_a_disk_that_is_full_changes_nothing(archive: Path, tmp_path: Path):
    done = run("full", archive, begin(tmp_path))
    assert json.loads(done.stdout) == {str(size_bytes): 2 for size_bytes in FULL}
    for root in roots(tmp_path):
        assert {path.name for path in (root / "slots").iterdir()} == {"a", "b"}
        assert not (root / TRIAL).exists()
        assert (pair(root), active(root)) == ((5, 4), "b")


def test_whatever_cannot_be_written_is_undone_or_done(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("edgepress.device.root.trial.self_test", lambda *_: None)
    replace, seen = disk.replace, []
    begin(tmp_path)
    for failing in range(5):
        root, calls = copied(tmp_path / "before"), count()

        def full(path: Path, content: bytes, calls: Any = calls, failing: int = failing) -> None:
            if next(calls) == failing:
                raise OSError(28, "No space left on device")
            replace(path, content)

        monkeypatch.setattr(disk, "replace", full)
        try:
            seen.append(install(archive, root, None, 200).release)
        except DeviceError:
            seen.append(5)
        monkeypatch.setattr(disk, "replace", replace)
        assert slots.opened(root).release == seen[-1]
        assert {path.name for path in (root / "slots").iterdir()} == {"a", "b"}
        assert pair(root) == (seen[-1], seen[-1] - 1)
    assert seen == [5, 5, 6, 6, 6]


ENDLESS = b"""
import time
from pathlib import Path
Path(__file__).with_name("begun").touch()
while Path(__file__).exists():
    time.sleep(0.02)
"""
"""Stands in the place of a bundle's `run.py`: a self-test that ends when the trial is swept."""


def test_the_real_command_is_killed(tmp_path: Path):
    for release in PROVEN:
        put(tmp_path / "root", seed=release, release=release)
    listed = {**device_bundles.files(seed=6), "run.py": ENDLESS}
    del listed["manifest.json"]
    manifest = json.dumps(device_bundles.manifest(listed, seed=6, release=6)).encode()
    archive = device_bundles.zipped(tmp_path / "6.zip", {**listed, "manifest.json": manifest})
    command = [sys.executable, "-m", "edgepress.device", "install", archive, "--root"]
    # Begun: a process that is forked and not yet another program has the lock of its parent.
    begun = tmp_path / "root" / TRIAL / "slots" / "a" / "begun"
    with subprocess.Popen(
        [*command, str(tmp_path / "root")], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        while process.poll() is None and not begun.exists():
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -9  # while the bundle was tested
    assert (tmp_path / "root" / TRIAL).exists()
    assert main(["predict", "--root", str(tmp_path / "root"), str(ROOT / "none")]) == 2
    assert not (tmp_path / "root" / TRIAL).exists()
    assert pair(tmp_path / "root") == (5, 4)
