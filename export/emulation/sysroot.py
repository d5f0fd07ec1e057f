"""A Python for another architecture, for QEMU: `python -m export.verify --fetch-sysroot aarch64`.

Debian's (or Ubuntu's) Python for it, unpacked into a folder, and the wheels that the device runtime
needs. Nothing is installed on this machine: apt works in a folder of its own.
"""

import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data.cache import cache_dir
from export.emulation.qemu import SITE

DEBIAN_NAMES = {"aarch64": "arm64", "x86_64": "amd64"}
SYSTEM = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
PACKAGES = ("numpy", "pillow", "onnxruntime")
"""In the versions that are installed here."""
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux2014")


def default_folder(architecture: str) -> Path:
    """Return where a system root is looked for."""
    return cache_dir() / f"sysroot-{architecture}"


def fetch(architecture: str, out: Path) -> None:
    """Fetch Python, numpy, Pillow and onnxruntime for an architecture into a new folder.

    Raises:
        UserError: the folder is there already, no apt, or a package cannot be had.
    """
    if out.exists():
        raise UserError("The folder is there already", got=out, next_step="remove it first")
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise UserError(
            "A system root is made of Debian's packages, and there is no apt here",
            got=platform.platform(),
            allowed="Debian or Ubuntu",
            next_step="make it there and copy the folder",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        root = Path(work) / "root"
        _system(architecture, Path(work), root)
        _packages(architecture, root)
        root.rename(out)
    console.result(f"{out}")


def _system(architecture: str, work: Path, root: Path) -> None:
    """Unpack Debian's Python with everything that it depends on."""
    apt = _apt(DEBIAN_NAMES[architecture], work / "apt")
    console.say("fetching Debian's packages ...")
    _call([*apt, "update"])
    _call([*apt, "-y", "--download-only", "install", *SYSTEM])
    for package in sorted((work / "apt" / "cache" / "archives").glob("*.deb")):
        _call(["dpkg-deb", "-x", str(package), str(root)])


def _apt(debian_name: str, folder: Path) -> list[str]:
    """Return apt-get with this machine's sources, for another architecture, in a folder."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    options = {
        "APT::Architecture": debian_name,
        "APT::Architectures::": debian_name,
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
    }
    return [
        "apt-get",
        *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
    ]


def _packages(architecture: str, root: Path) -> None:
    """Install the wheels for the Python of the system root."""
    console.say("fetching wheels ...")
    python = sorted((root / "usr" / "bin").glob("python3.[0-9]*"))[-1].name.removeprefix("python")
    platforms = [part for name in PLATFORMS for part in ("--platform", f"{name}_{architecture}")]
    wanted = [f"{name}=={metadata.version(name)}" for name in PACKAGES]
    _call(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:",
            "--no-compile", "--python-version", python, *platforms,
            "--target", str(root / SITE), *wanted,
        ]
    )  # fmt: skip


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{Path(command[0]).name} failed ({last})", got=" ".join(command[-4:]))
