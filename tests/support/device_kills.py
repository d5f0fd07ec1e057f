"""Kills what changes a device's root at every step, or lets its files not grow.

    python device_kills.py WHAT BUNDLE.zip WORK...     WORK/before is what each run begins with

A step is what changes the disk, or makes it wait: it is announced by an audit event, or caught on
the way; half of a file that is written is one, too. Each run is a fork of its own, because a fresh
interpreter takes a second to import ONNX Runtime; the root that it leaves is WORK/STEP. Prints what
the last run in each folder did, which none has killed, as JSON.
"""

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from edgepress.device import files as disk
from edgepress.device.errors import CheckFailed, DeviceError
from edgepress.device.root import slots, trial
from edgepress.device.root.install import install
from edgepress.device.root.locks import locked

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.truncate"}
FULL = (0, 200, 1_000, 3_000)
"""Bytes beyond which no file grows."""


def killed_at(step: int, told: list[list[str]]) -> None:
    """Let this process die before its step-th change of the disk."""
    write_new = disk.write_new

    def reached(*what: object) -> None:
        if len(told) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        told.append([str(one) for one in what])

    def torn(path: Path, content: bytes) -> None:
        path.write_bytes(content[: len(content) // 2])
        write_new(path, content)

    def waits(handle: int) -> None:  # not really: what is killed sees no difference
        reached("fsync", Path(f"/proc/self/fd/{handle}").readlink())

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and set(str(arguments[1])) & set("wax+")
        if writes or event in CHANGES:
            reached(event, *arguments[:2])

    disk.write_new, os.fsync = torn, waits
    sys.addaudithook(hook)


def does(what: str, root: Path, bundle: Path) -> None:
    """Install a bundle that passes its self-test or fails it, go back, or recover."""

    def self_test(*_: object) -> None:
        if what == "fail":
            raise CheckFailed("The bundle does not pass its self-test")

    trial.self_test = self_test
    if what in ("install", "fail"):
        install(bundle, root, None, 200)
    else:
        with locked(root):
            slots.recover(root)
            if what == "rollback":
                slots.roll_back(root, "by hand")


def forked(run: Callable[[], None]) -> int:
    """Run something in a process of its own; return how that has ended, 2 for an error."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            run()
            code = 0
        except DeviceError:
            code = 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def at_every_step(work: Path, what: str, bundle: Path) -> int:
    """Leave a root for each step that a run is killed at; of the last one, tell what it did.

    Returns:
        How it has ended.
    """
    step, ended = 0, -signal.SIGKILL

    def run() -> None:
        told: list[list[str]] = []
        killed_at(step, told)
        try:
            does(what, root, bundle)
        finally:
            os.write(1, json.dumps(told).encode() + b"\n")

    while ended == -signal.SIGKILL:
        root = work / str(step)
        shutil.copytree(work / "before", root, symlinks=True)
        ended = forked(run)
        step += 1
    return ended


def on_a_full_disk(work: Path, bundle: Path) -> None:
    """Leave a root for each size that files may not exceed; tell how the runs have ended."""
    ends = {}
    for size_bytes in FULL:
        root = work / str(size_bytes)
        shutil.copytree(work / "before", root, symlinks=True)

        def run(root: Path = root, size_bytes: int = size_bytes) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))
            does("install", root, bundle)

        ends[size_bytes] = forked(run)
    print(json.dumps(ends))


if __name__ == "__main__":
    wanted, archive, *places = sys.argv[1:]
    if wanted == "full":
        on_a_full_disk(Path(places[0]), Path(archive))
    else:
        sys.exit(max(at_every_step(Path(one), wanted, Path(archive)) for one in places))
