"""Whether other processes want the CPU, and waiting until they do not.

What is measured while the machine is busy is worth little: such rounds widen every interval, and
more of them cost more time than waiting does.
"""

import time
from pathlib import Path

from edgepress.core import console

PRESSURE = Path("/proc/pressure/cpu")
"""Linux's pressure stall information (Documentation/accounting/psi.rst)."""
LOOK_S = 0.25
BUSY = 0.1
"""Share of the time in which some task waits for a CPU, from which the machine is busy."""
LONGEST_S = 10.0


class Waiting:
    """Waits for a quiet machine, as long as that helps and never beyond a time."""

    def __init__(self, end: float) -> None:
        """Wait until `end` at the latest, a time of `time.monotonic`."""
        self._end, self._helps = end, True

    def for_quiet(self) -> None:
        """Return once nothing else waits for a CPU, or after 10 s; after those, never wait again.

        A machine that stays busy for so long is taken to be always so.
        """
        if not self._helps:
            return
        end = min(self._end, time.monotonic() + LONGEST_S)
        while (share := waiting_share()) is not None and share > BUSY:
            if time.monotonic() >= end:
                self._helps = False
                console.say("latency: other processes keep the CPU busy, so it may take longer")
                return


def waiting_share() -> float | None:
    """Return the share of the next quarter of a second in which a task waits for a CPU.

    `None` where the system does not tell.
    """
    before, start = _field("total"), time.monotonic()
    if before is None:
        return None
    time.sleep(LOOK_S)
    after = _field("total")
    return None if after is None else (after - before) / 1e6 / (time.monotonic() - start)


def cpu_pressure() -> float | None:
    """Return the share of the last 10 s in which a task waited for a CPU, percent."""
    return _field("avg10")


def _field(name: str) -> float | None:
    try:
        first = PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return float(first.split(f"{name}=")[1].split()[0])
