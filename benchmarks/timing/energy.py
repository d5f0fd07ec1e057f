"""Energy of the processor packages, where the system has counters and lets them be read.

The powercap counters (RAPL) count everything that runs on a package, not one process, so the
figure only means something on a machine that is otherwise idle. It is read or missing, never
estimated.
"""

from pathlib import Path

from edgepress.core.noun import Noun

COUNTERS = Path("/sys/class/powercap")


class Counter(Noun):
    """What the counter of one package says."""

    spent_j: float
    range_j: float | None
    """After so many joules it begins anew at 0; `None` where the system does not tell."""


def read_j(counters: Path = COUNTERS) -> dict[str, Counter] | None:
    """Return what the counter of each package says, `None` where one cannot be read.

    A zone is told by its `name`: `package-0` counts its parts `core`, `uncore` and `dram` too
    (zones of their own, inside it), and `psys` the whole platform, packages included
    (https://docs.kernel.org/power/powercap/powercap.html). A package may be listed by two drivers.
    """
    found: dict[str, Counter] = {}
    for zone in sorted(counters.glob("*:*")):
        name = _text(zone / "name") or ""
        if not name.startswith("package-") or name in found:
            continue
        spent, most = _joules(zone / "energy_uj"), _joules(zone / "max_energy_range_uj")
        if spent is None:
            return None
        found[name] = Counter(spent_j=spent, range_j=most)
    return found or None


def spent_j(before: dict[str, Counter] | None, after: dict[str, Counter] | None) -> float | None:
    """Return the joules of all packages between two readings; `None` where they cannot be known.

    A counter that stands lower than before has begun anew, once: the fastest take minutes.

    >>> spent_j({"package-0": Counter(spent_j=90, range_j=100)},
    ...         {"package-0": Counter(spent_j=20, range_j=100)})
    30.0
    """
    if before is None or after is None or before.keys() != after.keys():
        return None
    spent = [_between(before[name], after[name]) for name in before]
    known = [joules for joules in spent if joules is not None]
    return sum(known) if len(known) == len(spent) else None


def _between(before: Counter, after: Counter) -> float | None:
    spent = after.spent_j - before.spent_j
    if spent >= 0:
        return spent
    return None if after.range_j is None else spent + after.range_j


def _joules(file: Path) -> float | None:
    try:
        return int(_text(file) or "") / 1e6
    except ValueError:
        return None


def _text(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except OSError:
        return None
