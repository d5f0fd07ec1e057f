"""What was found, and the table made of it."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks.claims.drift.cells import DARKER, UNCHANGED
from benchmarks.claims.drift.streams import FOLKLORE, MORE_DEFECTS, Design, Tally
from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

HEADER = ("Stream", "Found", "Images until found, median (90%)", "First alarm, most often")


class Share(Noun):
    """How many of how many, with the 95% interval of the share (Wilson)."""

    n: int
    of: int
    ci95: tuple[float, float]


class Scenario(Noun):
    """What the watch said of the streams with one kind of drift."""

    name: str
    found: Share
    """Streams with an alarm from the drift on."""
    delay_images: dict[str, float] | None
    """Median and 90% quantile of the images from the drift to the alarm, of those found."""
    found_by: dict[str, int]
    """Test and signal of the first alarm."""
    alarmed_before: Share
    """Streams with an alarm before the drift."""


class Result(Noun):
    """All that was found."""

    command: str
    model: str
    data: str
    images: int
    """Of which references and streams were drawn; none was trained on."""
    design: Design
    unchanged_windows: Share
    """Windows in alarm of the unchanged streams."""
    folklore: dict[str, Share]
    """Windows of the unchanged streams with any PSI above a limit in common use."""
    scenarios: tuple[Scenario, ...]
    environment: dict[str, Any]


def share(n: int, of: int) -> Share:
    """Return a share with its interval."""
    found = binomtest(n, of).proportion_ci(0.95, method="wilson")
    return Share(n=n, of=of, ci95=(round(found.low, 4), round(found.high, 4)))


def scenario(name: str, tally: Tally) -> Scenario:
    """Return what was said of the streams of a scenario."""
    delays = tally.delays
    quantiles = {"p50": 0.5, "p90": 0.9}
    return Scenario(
        name=name,
        found=share(len(delays), tally.streams),
        delay_images={key: float(np.quantile(delays, q)) for key, q in quantiles.items()}
        if delays
        else None,
        found_by=dict(tally.found_by.most_common(5)),
        alarmed_before=share(tally.alarmed_before, tally.streams),
    )


def false_alarms(tally: Tally) -> tuple[Share, dict[str, Share]]:
    """Return how many windows of unchanged streams were in alarm, by our limits and by others."""
    others = {str(limit): share(tally.above[limit], tally.windows) for limit in FOLKLORE}
    return share(tally.alarmed_windows, tally.windows), others


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return the lines of the table, the unchanged streams first."""
    return [_row(result, one) for one in result.scenarios]


def sentence(result: Result) -> str:
    """Return what the table does not say."""
    design, ours = result.design, result.unchanged_windows
    others = "; ".join(
        f"with a PSI above {limit} as the limit {_percent(one)}"
        for limit, one in result.folklore.items()
    )
    return (
        f"Of {ours.of} unchanged windows of {design.window} images {_percent(ours)} were in alarm, "
        f"where {design.false_alarms:.0%} is allowed; {others} would have been."
    )


def table(result: Result) -> str:
    """Return the streams, and how often there was a false alarm below them."""
    return f"{table_md(HEADER, rows(result), left={0, 3})}\n\n{sentence(result)}"


def _row(result: Result, one: Scenario) -> tuple[str, ...]:
    name, found = _words(result.design, one.name), f"{one.found.n} of {one.found.of}"
    if one.name == UNCHANGED or one.delay_images is None:
        return (name, found, "", "")
    told = f"{one.delay_images['p50']:.0f} ({one.delay_images['p90']:.0f})"
    test, _, signal = next(iter(one.found_by)).partition(" ")
    return (name, found, told, f"{_TESTS[test]}, {signal.replace(':', ' of ')}")


_TESTS = {"psi": "PSI", "page_hinkley": "Page-Hinkley"}


def _words(design: Design, name: str) -> str:
    return {
        UNCHANGED: "unchanged (false alarms)",
        "darker": f"darker by {1 - DARKER:.0%}",
        "blur": "blur, strength 1",
        MORE_DEFECTS: f"{design.share:g} times as many {design.label}",
    }[name]


def _percent(found: Share) -> str:
    low, high = (f"{100 * end:.1f}" for end in found.ci95)
    return f"{100 * found.n / found.of:.1f}% (95% interval {low} to {high})"
