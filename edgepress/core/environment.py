"""The machine and the software that a number was measured on."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from edgepress.core.cpu import this_cpu
from edgepress.core.hashing import ROOT
from edgepress.core.libraries import openmp_wait

PACKAGES = (
    "torch", "torchvision", "timm", "torch-pruning", "onnx", "onnxruntime", "numpy", "Pillow",
)  # fmt: skip
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimddp", "i8mm")


def describe() -> dict[str, Any]:
    """Return commit, versions, CPU, its kind and flags, cores, platform and more as values."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "python": platform.python_version(),
        "versions": _versions(),
        "platform": platform.platform(),
        "cpu": this_cpu().name,
        "cpu_kind": this_cpu().kind,
        "cpu_instructions": this_cpu().instructions,
        "cpu_flags": [flag for flag in FLAGS if flag in this_cpu().flags],
        "cores": os.cpu_count(),
        "cpu_governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "cpu_quota": cpu_quota(_text("/sys/fs/cgroup/cpu.max")),
        "memory_bytes": memory_bytes(),
        "openmp_wait": openmp_wait(),
    }


def changed(before: Mapping[str, str]) -> str:
    """Return which packages had other versions before, as a remark; empty where none had."""
    now = _versions()
    others = (name for name in before if now.get(name) != before[name])
    return ", ".join(f"{name} was {before[name]}, is {now.get(name, 'missing')}" for name in others)


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota(cpu_max: str | None) -> float | None:
    """Return how many cores' time a control group may use, from its `cpu.max` (`None`: all).

    >>> cpu_quota("150000 100000"), cpu_quota("max 100000")
    (1.5, None)
    """
    quota, _, period = (cpu_max or "max").partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def _text(path: str) -> str | None:
    """Return what a file of the system says, `None` where there is none."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None


def memory_bytes() -> int | None:
    """Return the memory of the machine, `None` where the system does not say."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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
