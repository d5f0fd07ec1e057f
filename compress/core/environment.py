"""The machine and the software that a number was measured on."""

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from compress.core.hashing import ROOT

PACKAGES = ("torch", "timm", "torch-pruning", "onnx", "onnxruntime", "numpy", "Pillow")
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm")


def describe() -> dict[str, Any]:
    """Return commit, versions, CPU model and flags, cores and platform as plain values."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "python": platform.python_version(),
        "versions": _versions(),
        "platform": platform.platform(),
        "cpu": _cpu_field("model name") or platform.processor(),
        "cpu_flags": [flag for flag in FLAGS if flag in cpu_flags()],
        "cores": os.cpu_count(),
    }


@cache
def cpu_flags() -> frozenset[str]:
    """Return the feature flags of this CPU (empty where the system does not tell)."""
    return frozenset((_cpu_field("flags") or _cpu_field("Features") or "").split())


@cache
def _cpu_field(name: str) -> str | None:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return None
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def _git(*args: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
