"""Bundles and roots of the runtime before its modules got folders of their own.

`before/bundle.tar.xz` holds a bundle as it was written then: its runtime has all modules in one
folder, as have those that lie on devices.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import device_bundles
import device_server
import pytest

from edgepress.device.bundle import check, open_folder
from edgepress.device.bundle.archive import Files, read
from edgepress.device.cli import main
from edgepress.device.root.layout import active
from edgepress.device.root.state import read_state
from export import verify

BEFORE = Path(__file__).parent / "before" / "bundle.tar.xz"


def before(**changes: Any) -> Files:
    """Return the old bundle's files; changes are fields of its manifest, all else stays."""
    with tarfile.open(BEFORE) as archive:
        found = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        files = {name: stream.read() for name, stream in found.items() if stream is not None}
    manifest = json.loads(files["manifest.json"]) | changes
    return {**files, "manifest.json": json.dumps(manifest).encode()}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Archives of releases 1 and 2 with the old runtime, and of 3 with the one of today."""
    place = tmp_path_factory.mktemp("bundles")
    contents = {
        "old 1": before(release=1, precision="fp32", target=None),
        "old 2": before(release=2, id="model-2"),
        "new 3": device_bundles.complete(device_bundles.files(seed=3), release=3, seed=3),
    }
    return {
        name: device_bundles.zipped(place / f"{name}.zip", files)
        for name, files in contents.items()
    }


@pytest.fixture(scope="module")
def made_by_old(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with releases 1 and 2, both put there by the old runtime; 2 is on probation."""
    place = tmp_path_factory.mktemp("root")
    old = device_bundles.unpacked(place / "old", read(bundles["old 1"]))
    for name in ("old 1", "old 2"):
        told = by_runtime(old, "install", bundles[name], "--root", place / "root")
    assert told == {
        "name": "scenes", "release": 2, "slot": "b", "signed": False, "on_probation": True,
    }  # fmt: skip
    return place / "root"


@pytest.fixture
def old_root(made_by_old: Path, tmp_path: Path) -> Path:
    """Return a copy of it that may be changed."""
    return Path(shutil.copytree(made_by_old, tmp_path / "root", symlinks=True))


def by_runtime(bundle: Path, *options: object) -> dict[str, Any]:
    """Run a command by the runtime that lies in a bundle; return what it prints."""
    command = [sys.executable, "-I", bundle / "run.py", *options]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_ours(capsys: pytest.CaptureFixture[str], *options: object) -> dict[str, Any]:
    """Run a command by the runtime of today; return what it prints."""
    capsys.readouterr()
    assert main([*map(str, options)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_it_is_a_bundle_with_all_modules_in_one_folder(bundles: dict[str, Path]):
    files = read(bundles["old 1"])
    assert {"edgepress_device/slots.py", "edgepress_device/session.py"} < set(files)
    assert not any(name.startswith("edgepress_device/root/") for name in files)
    assert check(files, bundles["old 1"])["release"] == 1
    listed = json.loads(before()["manifest.json"])["files"]
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in listed} == {
        name: entry["sha256"] for name, entry in listed.items()
    }


def test_its_folder_is_tested_and_predicts(
    bundles: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = device_bundles.unpacked(tmp_path / "old", read(bundles["old 1"]))
    assert open_folder(folder).release == 1
    assert by_ours(capsys, "selftest", "--bundle", folder)["passed"] is True
    photo = folder / "golden" / "0.png"
    ours = by_ours(capsys, "predict", photo, "--bundle", folder)
    theirs = by_runtime(folder, "predict", photo)
    assert ours["probs"] == pytest.approx(theirs["probs"], abs=1e-6)


def test_it_is_verified(bundles: dict[str, Path]):
    (found,) = verify.run(verify.Config(bundle=(bundles["old 1"],)))
    assert [(one.images, one.passed) for one in found.outcomes] == [(2, True)]


def test_an_old_root_is_told_served_and_rolled_back(
    old_root: Path, capsys: pytest.CaptureFixture[str]
):
    told = by_ours(capsys, "status", "--root", old_root)
    assert told == by_runtime(old_root / "current", "status", "--root", old_root)
    assert (told["in_use"], told["highest_release"]) == ("b", 2)
    with device_server.start(old_root, source="--root") as server:
        photo = (old_root / "slots" / "b" / "golden" / "0.png").read_bytes()
        status, answer = server.ask("POST", "/predict", photo)
    assert (status, "probs" in json.loads(answer)) == (200, True)
    probation = read_state(old_root).probation
    assert probation is not None
    assert probation.predictions == 1
    assert by_ours(capsys, "rollback", "--root", old_root) == {"release": 1, "slot": "a"}
    told = by_runtime(old_root / "current", "status", "--root", old_root)
    assert (told["in_use"], told["failed"]["release"]) == ("a", 2)


@pytest.mark.parametrize("installs", ["old", "new"])
def test_from_the_old_runtime_to_the_new_one_and_back(
    installs: str, bundles: dict[str, Path], old_root: Path, capsys: pytest.CaptureFixture[str]
):
    by_runtime(old_root / "current", "rollback", "--root", old_root)
    command = ("install", bundles["new 3"], "--root", old_root)
    told = (
        by_runtime(old_root / "current", *command)
        if installs == "old"
        else by_ours(capsys, *command)
    )
    assert (told["release"], told["on_probation"]) == (3, True)
    photo = old_root / "current" / "golden" / "0.png"
    assert "probs" in by_runtime(old_root / "current", "predict", photo, "--root", old_root)
    told = by_runtime(old_root / "current", "rollback", "--root", old_root)
    assert (told["release"], active(old_root)) == (1, "a")
    assert "probs" in by_runtime(old_root / "current", "predict", photo, "--root", old_root)
    told = by_runtime(old_root / "current", "status", "--root", old_root)
    assert (told["highest_release"], told["failed"]["release"]) == (3, 3)


def test_the_old_bundle_is_small():
    assert BEFORE.stat().st_size < 100_000
