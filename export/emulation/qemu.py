"""Python under a processor that this machine does not have, by QEMU's user mode.

A program for x86 runs with this machine's own environment where this machine is one; for another
architecture it needs a folder with a Python and the packages for it (`export.verify
--fetch-sysroot ARCHITECTURE`).
What is right there is right on the device; how long it takes says nothing.
"""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgepress.core.errors import UserError, unknown_name

ARCHITECTURES = ("aarch64", "x86_64")
"""Those that onnxruntime has wheels for."""
OLDEST_QEMU = {"aarch64": 10, "x86_64": 7}
"""QEMU 7 crashes when onnxruntime is imported on aarch64."""
SITE = "opt/site"
"""Folder of the packages in a system root."""


@dataclass(frozen=True)
class Processor:
    """A processor as QEMU knows it."""

    architecture: str
    model: str

    def __str__(self) -> str:
        return f"{self.architecture}:{self.model}"


def parse(text: str) -> Processor:
    """Read `ARCHITECTURE:MODEL`, e.g. `aarch64:cortex-a53`.

    Raises:
        UserError: it cannot be read, or is no architecture that onnxruntime runs on.
    """
    architecture, colon, model = text.partition(":")
    if not colon or not model or model.startswith("-"):
        raise UserError(
            "The processor cannot be read",
            got=text,
            allowed="ARCHITECTURE:MODEL, e.g. aarch64:cortex-a53 or x86_64:Haswell",
        )
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    return Processor(architecture, model)


def installed(processor: Processor) -> bool:
    """Tell whether there is a QEMU for an architecture."""
    return _found(processor) is not None


def require(processor: Processor, sysroot: Path) -> None:
    """Refuse a processor that cannot be emulated here.

    Raises:
        UserError: no QEMU, too old a one, one that does not know the model, or no system root.
    """
    qemu, oldest = _qemu(processor), OLDEST_QEMU[processor.architecture]
    said = _output([qemu, "--version"])
    version = re.search(r"version (\d+)", said)
    if version is None or int(version[1]) < oldest:
        raise UserError(
            f"{qemu} is too old to run onnxruntime",
            got=said.partition("\n")[0],
            allowed=f"version {oldest} or newer (Debian 12 has one in bookworm-backports)",
        )
    models = re.findall(
        r"^\s*(?:x86 +)?([A-Za-z0-9][\w.-]*)", _output([qemu, "-cpu", "help"]), re.M
    )
    if processor.model not in models:
        raise unknown_name(f"{processor.architecture} processor of QEMU", processor.model, models)
    if not _is_native(processor) and _python(sysroot) is None:
        raise UserError(
            f"There is no Python for {processor.architecture} to run under QEMU",
            got=sysroot,
            next_step=f"python -m export.verify --fetch-sysroot {processor.architecture}",
        )


def run(
    processor: Processor, sysroot: Path | None, arguments: Sequence[str | Path], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Run Python with arguments under a processor; `sysroot` is needed for other architectures.

    Raises:
        UserError: no QEMU, or the time ran out.
    """
    command = [*_interpreter(processor, sysroot), *map(str, arguments)]
    return in_time(command, timeout_s, "The emulated processor did not finish", processor)


def in_time(
    command: Sequence[str], timeout_s: float, late: str, got: object
) -> "subprocess.CompletedProcess[str]":
    """Run a command and return what it printed; `late` and `got` say what did not end in time.

    Raises:
        UserError: the time ran out.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise UserError(f"{late} in {timeout_s:g} s", got=got) from None


def last_line(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a process said last, or how it ended."""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _interpreter(processor: Processor, sysroot: Path | None) -> list[str]:
    start = [_qemu(processor), "-cpu", processor.model]
    if _is_native(processor) or sysroot is None:
        return [*start, sys.executable]
    packages = f"PYTHONPATH={(sysroot / SITE).absolute()}"
    return [*start, "-L", str(sysroot), "-E", packages, str(_python(sysroot))]


def _is_native(processor: Processor) -> bool:
    return platform.machine() == processor.architecture


def _python(sysroot: Path) -> Path | None:
    """Return the interpreter of a system root."""
    found = sorted((sysroot / "usr" / "bin").glob("python3.[0-9]*"))
    return found[-1] if found else None


def _qemu(processor: Processor) -> str:
    found = _found(processor)
    if found is None:
        raise UserError(
            f"qemu-{processor.architecture} is not installed",
            got=processor,
            next_step="install Debian's qemu-user",
        )
    return found


def _found(processor: Processor) -> str | None:
    name = f"qemu-{processor.architecture}"
    return shutil.which(name) or shutil.which(f"{name}-static")


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout
