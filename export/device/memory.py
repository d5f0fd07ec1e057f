"""Resident memory of this process."""

from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int | None:
    """Return the largest resident memory so far; `None` where the system does not tell."""
    return _field("VmHWM")


def resident_bytes() -> int | None:
    """Return the resident memory now; `None` where the system does not tell."""
    return _field("VmRSS")


def _field(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = next((line.split() for line in lines if line.startswith(f"{name}:")), None)
    return int(found[1]) * 1024 if found else None
