"""Resident memory of this process."""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int | None:
    """Return the largest resident memory so far; `None` where the system does not tell."""
    return _field("VmHWM")


def resident_bytes() -> int | None:
    """Return the resident memory now; `None` where the system does not tell."""
    return _field("VmRSS")


def give_back() -> None:
    """Let the system have what was freed and is kept for later, where the C library can do that.

    glibc keeps some for each thread, up to as much as its largest photograph has taken.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def _field(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith(f"{name}:")), None)
    return int(found[1]) * 1024 if found else None
