"""What the real file of a pruned network takes, in turn with the file of the whole one."""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from benchmarks.gates.budgets import Budget
from benchmarks.timing.tournament import LatencySettings, Tournament, measure
from edgepress.core import console, duration
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateUndecided, UserError

CLEAR = 1.1
"""A file that is surely so many times off its limit needs no better figure."""
SURE = 1.03
"""Upper / lower end of the interval of a figure that is good enough."""
NOISE = 0.1
"""Where one file may differ from itself by more than this share, nothing is told yet."""

Write = Callable[[nn.Module, Path], Artifact]
"""(network, place) -> its file, as it will be used"""


@dataclass(frozen=True)
class Files:
    """The file of the whole network, and how those of others are written and timed."""

    whole: Artifact
    write: Write
    provider: str
    threads: int
    longest_s: float
    """Time after which no round of one file is begun, seconds; where the same file twice agrees by
    then, it is taken as it was measured."""
    scratch: Path
    """Folder where what was measured of a plan is kept for a run that goes on."""


def parts(files: Files, network: nn.Module, shares: Mapping[Budget, float]) -> Mapping[str, float]:
    """Return what the file of a network takes of what the whole network's takes.

    Args:
        files: How it is written and timed.
        network: It is left as it is.
        shares: By each budget on what is measured, what may be left of the whole network's.

    Raises:
        GateUndecided: this machine is too noisy to tell its latency.
        UserError: the file cannot be written, or does not run.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-budget-") as folder:
        file = files.write(network, Path(folder) / "pruned")
        return {one.metric: _part(files, file, one, share) for one, share in shares.items()}


def _part(files: Files, file: Artifact, budget: Budget, share: float) -> float:
    if budget.metric == "size":
        return file.size_bytes / files.whole.size_bytes
    return _latency(files, file, budget, share)


def whole_s(files: Files) -> float:
    """Return the median latency of the whole network's file, seconds.

    Raises:
        UserError: it does not run.
    """
    settings = _settings(files)
    times = measure((files.whole,), settings).reference.block_medians_s
    return sorted(times)[len(times) // 2]


def _settings(files: Files) -> LatencySettings:
    return LatencySettings(provider=files.provider, threads=files.threads, budget_s=files.longest_s)


def _latency(files: Files, file: Artifact, budget: Budget, share: float) -> float:
    """Return the latency of a file as a share of the whole network's, in the same rounds.

    Raises:
        GateUndecided: this machine is too noisy to tell in the time that there is.
        UserError: the file does not run.
    """

    def enough(so_far: Tournament) -> bool:
        done = decided(so_far, share)
        if not done:
            console.say(f"  {_so_far(so_far)}")
        return done

    found = measure((files.whole, file), _settings(files), enough)
    speedup = found.speedup(1)
    if speedup is None:
        raise UserError(f"The pruned network could not be timed ({found.failures[1]})")
    if noise(found) > NOISE:
        longer = duration.shown(2 * max(files.longest_s, 60))
        raise GateUndecided(
            f"This machine is too noisy to prune to '{budget.text}': after "
            f"{duration.shown(files.longest_s)} the same file twice may still differ by "
            f"{100 * noise(found):.0f}% (A/A interval), at most {100 * NOISE:.0f}% is of use. "
            f"Next: run it again on a quieter machine, or measure longer: --latency-time {longer}; "
            "nothing has been trained"
        )
    console.say(f"  the file takes {100 / speedup[0]:.1f}% of the unpruned one's time")
    return 1 / speedup[0]


def decided(so_far: Tournament, share: float) -> bool:
    """Tell whether a file's share of the reference's time is known as well as is needed."""
    if so_far.speedup(1) is None:
        return True
    low, high = _between(so_far)
    near = high <= SURE * low
    return noise(so_far) <= NOISE and (near or low > CLEAR * share or high < share / CLEAR)


def noise(so_far: Tournament) -> float:
    """Return by what share the same file may differ from itself; infinite of too few rounds."""
    return max(abs(math.log(end)) if 0 < end < math.inf else math.inf for end in so_far.aa[1])


def _between(so_far: Tournament) -> tuple[float, float]:
    """Return between which shares of the reference's time a file's lies."""
    measured = so_far.speedup(1)
    assert measured is not None  # it ran
    low, high = (1 / end if end else math.inf for end in reversed(measured[1]))
    return low, high


def _so_far(so_far: Tournament) -> str:
    """Say what is known after some rounds."""
    low, high = _between(so_far)
    return (
        f"{len(so_far.reference.block_medians_s)} rounds: {100 * low:.1f}% to {100 * high:.1f}% of "
        f"the unpruned one's time, the same file twice differs by up to {100 * noise(so_far):.0f}%"
    )
