"""An installation may be killed at any step: the device always has a model that works."""

import subprocess
import sys
from pathlib import Path

import device_bundles
import pytest
from places import ROOT

from export.device import selftest, slots
from export.device.install import install
from export.device.runner import running

# Every change of the disk is announced by an audit event before it happens; the process kills
# itself before the one whose number it was given. fsync announces nothing, and changes nothing
# that another process can see.
KILLED = """
import os, signal, sys
from pathlib import Path
from export.device.cli import main

changes = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate",
           "os.chmod", "shutil.rmtree", "subprocess.Popen"}
left = int(sys.argv[1])

def hook(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes or event in changes:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
code = main(sys.argv[2:])
print("steps", int(sys.argv[1]) - left)
sys.exit(code)
"""


def killed_at(step: int, *options: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of the device until its step-th change of the disk."""
    command = [sys.executable, "-c", KILLED, str(step), *map(str, options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def works(root: Path) -> int:
    """Test the model in use as the device would, and return its release."""
    bundle = slots.opened(root)
    assert all(check.passed for check in selftest.run(bundle))
    return bundle.release


def before(root: Path) -> None:
    """Put release 1 into use, with an abandoned release 0 in the other slot."""
    slots.fill(root, "b", device_bundles.files(seed=0, release=0))
    slots.fill(root, "a", device_bundles.files(seed=1, release=1))
    slots.switch(root, "a", 0)


@pytest.mark.slow
def test_install_survives_a_kill_at_every_step(tmp_path: Path):
    archive = device_bundles.zipped(tmp_path / "2.zip", device_bundles.files(seed=2, release=2))
    seen, step = set(), 0
    while True:
        root = tmp_path / f"root-{step}"
        before(root)
        done = killed_at(step, "install", archive, "--root", root)
        seen.add(works(root))
        with running(None, root) as runner:
            runner.predict(device_bundles.image(0))
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        if works(root) == 1:  # what was begun stands in nobody's way
            install(archive, root, None, 0)
        assert works(root) == 2
        step += 1
    assert seen == {1, 2}
    assert step >= 15


def test_roll_back_survives_a_kill_at_every_step(tmp_path: Path):
    seen, step = set(), 0
    while True:
        root = tmp_path / f"root-{step}"
        before(root)
        slots.fill(root, "b", device_bundles.files(seed=2, release=2))
        slots.switch(root, "b", 10)
        done = killed_at(step, "rollback", "--root", root)
        seen.add(works(root))
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        with slots.locked(root):
            slots.recover(root)
        state, release = slots.read_state(root), works(root)
        assert (state.probation is None) == (release == 1)
        assert state.failed is None or release == 1
        step += 1
    assert seen == {1, 2}
    assert step >= 5
