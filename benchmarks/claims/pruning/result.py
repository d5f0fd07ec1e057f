"""What our plan keeps more than other ways to the same latency, and the tables of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from benchmarks.claims.pruning.grid import BUDGETS, MORE, NEAR, NETWORKS, OURS, PRUNE, WAYS, Trial
from benchmarks.claims.pruning.measuring import Measured
from benchmarks.report.markdown import table_md
from benchmarks.statistics.seeds import gained
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult

Interval = tuple[float, float]


class Outcome(Noun):
    """One network that was cut and tuned, or could not be cut."""

    trial: Trial
    map: float | None = None
    """On the test part."""
    measured: Measured | None = None
    """Of its cut."""
    problem: str | None = None
    """Why there is no cut; it is tried again by the next run."""


class Comparison(Noun):
    """Our plan against another way to the same latency: same networks, budgets, tuning, seeds."""

    way: str
    network: str | None
    """`None` is the mean over the networks that have both."""
    budget: float | None
    """`None` is the mean over the budgets."""
    networks: int
    seeds: int
    """Pairs over all networks and budgets."""
    gain: float
    """mAP of ours less the other's."""
    ci95: Interval
    """Over test images and seeds, for these networks."""

    @property
    def verdict(self) -> str:
        """What is sure of it."""
        if self.ci95[1] < 0:
            return "surely worse"
        return "surely better" if self.ci95[0] > 0 else ""


class Result(Noun):
    """What all reached, and where."""

    command: str = "python -m benchmarks.claims.pruning"
    outcomes: tuple[Outcome, ...]
    parents: dict[str, float]
    """mAP of the unpruned networks on the test part."""
    comparisons: tuple[Comparison, ...]
    environment: dict[str, Any]


Evaluated = Mapping[Trial, EvalResult]


def compared(evaluated: Evaluated) -> tuple[Comparison, ...]:
    """Compare ours with every other way: by network and budget, and the means over both."""
    networks, budgets = (None, *NETWORKS), (None, *BUDGETS)
    each = product((way for way in (*WAYS, *MORE) if way != OURS), budgets, networks)
    found = (_compared(evaluated, way, network, budget) for way, budget, network in each)
    return tuple(one for one in found if one is not None)


def _compared(
    evaluated: Evaluated, way: str, network: str | None, budget: float | None
) -> Comparison | None:
    cases = {
        (name, share): pairs
        for name in ([network] if network else NETWORKS)
        for share in ([budget] if budget else BUDGETS)
        if (pairs := list(_pairs(evaluated, way, name, share)))
    }
    gain = gained(list(cases.values()))
    if gain is None:
        return None
    return Comparison(
        way=way,
        network=network,
        budget=budget,
        networks=len({name for name, _ in cases}),
        seeds=sum(map(len, cases.values())),
        gain=gain.value,
        ci95=gain.interval(),
    )


def _pairs(
    evaluated: Evaluated, way: str, network: str, budget: float
) -> Iterator[tuple[EvalResult, EvalResult]]:
    """Yield ours and the other of each seed that has both."""
    for one, result in evaluated.items():
        if (one.network, one.budget, one.way) == (network, budget, OURS):
            other = evaluated.get(one.model_copy(update={"way": way}))
            if other is not None:
                yield result, other


def table(result: Result) -> str:
    """Return what was gained, what each way reached, and whether latencies were met."""
    cuts = [one for one in result.outcomes if one.map is not None]
    parts = [
        f"{len(cuts)} networks that were cut and tuned alike (`{result.command}`). A gain is the "
        "mAP of our plan less the other way's, in points, at the same share of the unpruned int8 "
        "file's latency; 95% intervals over test images and seeds.",
        _gains(result),
        _reached(result),
        *_latencies(result),
        *_problems(result),
    ]
    return "\n\n".join(parts)


def _gains(result: Result) -> str:
    header = ("Against", "Latency", "Network", "Gain, points", "Pairs", "")
    return table_md(header, list(map(_gain_row, result.comparisons)), left={0, 2, 5})


def _gain_row(one: Comparison) -> tuple[str, ...]:
    low, high = (100 * end for end in one.ci95)
    return (
        one.way,
        f"{one.budget:.0%}" if one.budget else "both",
        one.network or f"mean of {one.networks}",
        f"{100 * one.gain:+.1f} ({low:+.1f} to {high:+.1f})",
        str(one.seeds),
        one.verdict,
    )


def _reached(result: Result) -> str:
    """Return mAP, latency, MACs and parameters of every way, as means over the seeds."""
    header = (
        "Network (mAP %)",
        "Latency",
        "Way",
        "mAP %",
        "Measured latency",
        "MACs",
        "Parameters",
    )
    rows = [
        _row(result, cell)
        for cell in product(NETWORKS, BUDGETS, (*WAYS, *MORE))
        if _of(result.outcomes, *cell)
    ]
    return table_md(header, rows, left={0, 2})


def _of(outcomes: Sequence[Outcome], network: str, budget: float, way: str) -> list[Outcome]:
    wanted = (network, budget, way)
    return [
        one
        for one in outcomes
        if one.map is not None and (one.trial.network, one.trial.budget, one.trial.way) == wanted
    ]


def _row(result: Result, cell: tuple[str, float, str]) -> tuple[str, ...]:
    network, budget, way = cell
    found = _of(result.outcomes, *cell)
    measured = [one.measured for one in found if one.measured]
    return (
        f"{network} ({100 * result.parents[network]:.1f})",
        f"{budget:.0%}",
        way,
        f"{100 * np.mean([one.map for one in found]):.1f}",
        f"{np.mean([one.share for one in measured]):.1%}",
        f"{np.mean([one.counts.macs for one in measured]) / 1e6:.1f} M",
        f"{np.mean([one.counts.params for one in measured]) / 1e6:.2f} M",
    )


def _latencies(result: Result) -> Iterator[str]:
    """Yield how many cuts take what was asked for, and count what their manifests say."""
    cuts = [one for one in result.outcomes if one.measured and one.trial == one.trial.cut]
    for kind, ways in (("our plan", (OURS,)), ("all of `compress.prune`", tuple(PRUNE))):
        own = [one for one in cuts if one.trial.way in ways]
        near = sum(one.measured.met(one.trial.budget) for one in own if one.measured)
        yield (
            f"Of {len(own)} cuts by {kind}, {near} take the latency asked for within {NEAR:.0%}, "
            "measured afresh in turn with the unpruned int8 file."
        )
    alike = sum(one.measured.counts.alike for one in cuts if one.measured)
    yield f"MACs and parameters of {alike} of {len(cuts)} files are those of their manifests."


def _problems(result: Result) -> Iterator[str]:
    for one in result.outcomes:
        if one.problem:
            yield f"Not cut: {one.trial.place}: {one.problem}"
