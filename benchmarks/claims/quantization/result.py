"""What was found, network by network, and the tables made of it."""

import math
from collections.abc import Iterable
from typing import Any

from benchmarks.report.markdown import table_md
from edgepress.core.cpu import shown
from edgepress.core.noun import Noun

Interval = tuple[float, float]

OURS = "edgepress"
NOT_INSTALLED = "not installed"
NOT_MEASURED = "not measured"
DROP_LIMIT = 0.005
"""Largest drop of mAP against fp32, as a share, by the point estimate."""
SMALL_BYTES = 24_000_000
"""fp32 files up to this size (6 million weights) are those of MobileNet-sized networks, for which
the search has limits."""
SPEEDUPS = {"efficientnet_lite0": 2.2, "resnet50": 3.5}
"""Least speed-up of some networks, at 224 pixels."""
SEARCH_LIMIT_S = 180.0
MEMORY_LIMIT_BYTES = 2_000_000_000
TIME_LIMIT = 1.03
"""Largest upper end of the interval of int8 time / fp32 time: the margin of the measurement."""


class Entry(Noun):
    """One int8 file of one network, against the fp32 file and against ours."""

    tool: str
    failure: str | None = None
    """Why there is no file, or no figure of it."""
    seconds: float | None = None
    """What making it took."""
    search_s: float | None = None
    """Of that, the search; only known of ours."""
    peak_rss_bytes: int | None = None
    """Memory of the process that made it; only known of ours."""
    size_bytes: int | None = None
    map: float | None = None
    map_drop: float | None = None
    """mAP of fp32 minus this one's, on the test part."""
    map_drop_ci95: Interval | None = None
    map_drop_upper: float | None = None
    """One-sided 95% bound of the drop: what is certified."""
    speedup: float | None = None
    """fp32 time / this file's, median over pairs of processes."""
    speedup_ci95: Interval | None = None
    behind_ours: Interval | None = None
    """95% interval of our mAP minus this file's."""
    slower_than_ours: Interval | None = None
    """95% interval of this file's time / ours."""


class NetworkResult(Noun):
    """All int8 files of one network."""

    key: str = ""
    """Hash of all files that were measured."""
    network: str
    image_size: int
    map_fp32: float
    size_fp32_bytes: int
    p50_fp32_s: float
    aa_ci95: Interval
    """The fp32 file against itself."""
    entries: tuple[Entry, ...]
    """Ours first."""
    environment: dict[str, Any]

    @property
    def ours(self) -> Entry:
        """Our file's entry."""
        return self.entries[0]


class Result(Noun):
    """The whole benchmark."""

    command: str
    networks: tuple[NetworkResult, ...]


def mean_speedup(results: Iterable[NetworkResult]) -> float | None:
    """Return the geometric mean of our speed-ups, `None` where one is missing."""
    values = [result.ours.speedup for result in results]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return math.exp(sum(map(math.log, known)) / len(known))


def missed(result: NetworkResult) -> tuple[str, ...]:
    """Return what our file of a network does not reach, in words."""
    ours = result.ours
    if ours.failure or ours.map_drop is None or ours.speedup_ci95 is None:
        return (f"{result.network}: {ours.failure or 'not measured'}",)
    found = []
    if ours.map_drop > DROP_LIMIT:
        found.append(f"{result.network}: mAP drops by {100 * ours.map_drop:.2f} points")
    if ours.speedup is not None and ours.speedup < SPEEDUPS.get(result.network, 0.0):
        found.append(f"{result.network}: {ours.speedup:.2f} times as fast as fp32")
    if 1 / ours.speedup_ci95[0] > TIME_LIMIT:
        found.append(f"{result.network}: perhaps {1 / ours.speedup_ci95[0]:.2f} times fp32's time")
    if result.size_fp32_bytes <= SMALL_BYTES:
        found += _costly(result)
    for entry in result.entries[1:]:
        if entry.behind_ours is not None and entry.behind_ours[1] < 0:
            found.append(f"{result.network}: {entry.tool} is more accurate")
        if entry.slower_than_ours is not None and entry.slower_than_ours[1] < 1:
            found.append(f"{result.network}: {entry.tool} is faster")
    return tuple(found)


def _costly(result: NetworkResult) -> list[str]:
    """Return what the search for our file took too much of."""
    seconds, peak = result.ours.search_s or 0.0, result.ours.peak_rss_bytes or 0
    return [
        f"{result.network}: the search took {what}"
        for what, much in (
            (f"{seconds:.0f} s", seconds > SEARCH_LIMIT_S),
            (f"{peak / 1e9:.1f} GB", peak > MEMORY_LIMIT_BYTES),
        )
        if much
    ]


def machines(results: Iterable[NetworkResult]) -> str:
    """Return which CPU measured which networks, since ratios differ from one to another."""
    measured: dict[str, list[str]] = {}
    for result in results:
        cpu = shown(result.environment)
        measured.setdefault(cpu, []).append(result.network)
    if len(measured) == 1:
        return f"Measured on {next(iter(measured))}."
    parts = (f"{cpu}: {', '.join(networks)}" for cpu, networks in measured.items())
    return f"Measured on {'; '.join(parts)}."


def table(result: Result) -> str:
    """Return the networks, where they were measured, and what is missed of what is demanded."""
    networks = result.networks
    misses = [miss for one in networks for miss in missed(one)]
    said = "; ".join(misses) if misses else "nothing"
    lines = table_md(header(networks), rows(networks), left={0})
    return f"{lines}\n\n{machines(networks)} Not reached of what is demanded: {said}."


def header(results: tuple[NetworkResult, ...]) -> tuple[str, ...]:
    """Return the columns of the table."""
    peers = [entry.tool for entry in results[0].entries[1:]]
    return (
        "Network",
        "Pixels",
        "fp32 mAP",
        "Points lost (surely at most)",
        "Times as fast (95% interval)",
        *peers,
    )


def rows(results: tuple[NetworkResult, ...]) -> list[tuple[str, ...]]:
    """Return a row for each network, and one for all of them."""
    return [*map(_row, results), _all(results)]


def _row(result: NetworkResult) -> tuple[str, ...]:
    ours = result.ours
    return (
        result.network,
        str(result.image_size),
        f"{result.map_fp32:.3f}",
        f"{_points(ours.map_drop)} ({_points(ours.map_drop_upper)})",
        _times(ours),
        *(cell(entry) for entry in result.entries[1:]),
    )


def _all(results: tuple[NetworkResult, ...]) -> tuple[str, ...]:
    """Return the worst loss and the mean speed-up of every tool, over the files that it made."""
    by_tool = zip(*(result.entries for result in results), strict=True)
    tools = [_summary(entries) for entries in by_tool]
    lost, speed = tools[0]
    return ("worst loss, mean speed-up", "", "", lost, speed, *(", ".join(x) for x in tools[1:]))


def _summary(entries: tuple[Entry, ...]) -> tuple[str, str]:
    drops = [entry.map_drop for entry in entries if entry.map_drop is not None]
    speeds = [entry.speedup for entry in entries if entry.speedup is not None]
    if not drops or not speeds:
        return ("none", "none")
    mean = math.exp(sum(map(math.log, speeds)) / len(speeds))
    return (_points(max(drops)), f"{mean:.2f}×")


def _times(entry: Entry) -> str:
    if entry.speedup is None or entry.speedup_ci95 is None:
        return NOT_MEASURED
    low, high = entry.speedup_ci95
    return f"{entry.speedup:.2f}× ({low:.2f} to {high:.2f})"


def cell(entry: Entry) -> str:
    """Return a file's drop of mAP in points and its speed-up, or that there is none."""
    if entry.failure:
        return entry.failure if entry.failure == NOT_INSTALLED else "no file"
    if entry.map_drop is None or entry.speedup is None:
        return NOT_MEASURED
    return f"{_points(entry.map_drop)}, {entry.speedup:.2f}×"


def _points(drop: float | None) -> str:
    return NOT_MEASURED if drop is None else f"{100 * drop:+.2f}"
