"""Energy of the processor package, where the system has a counter and lets it be read.

The powercap counters (RAPL) count everything that runs on the package, not one process, so the
figure only means something on a machine that is otherwise idle. It is read or missing, never
estimated.
"""

from pathlib import Path

COUNTERS = Path("/sys/class/powercap")


def read_j(counters: Path = COUNTERS) -> dict[str, float] | None:
    """Return the joules counted so far by each package, `None` where none can be read."""
    found = {}
    for file in sorted(counters.glob("*-rapl:*/energy_uj")):
        if file.parent.name.count(":") > 1:
            continue  # a part of a package, which the package has counted
        try:
            found[file.parent.name] = int(file.read_text()) / 1e6
        except (OSError, ValueError):
            return None
    return found or None


def spent_j(before: dict[str, float] | None, after: dict[str, float] | None) -> float | None:
    """Return the joules between two readings; `None` if one is missing or a counter wrapped.

    >>> spent_j({"intel-rapl:0": 10.0}, {"intel-rapl:0": 12.5})
    2.5
    """
    if before is None or after is None or before.keys() != after.keys():
        return None
    spent = [after[name] - before[name] for name in before]
    return None if any(value < 0 for value in spent) else sum(spent)
