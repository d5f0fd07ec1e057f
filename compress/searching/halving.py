"""Which trials go on: asynchronous successive halving over several aims.

Li et al. 2020 (ASHA, arXiv 1810.05934) promote the best 1/eta of a rung. Optuna stops no trials of
several aims, since there is no order among them; here a trial's place in a rung is how many others
of that rung dominate it: more accurate, faster and smaller. Nobody waits: who comes to a rung is
held against those that were there before.
"""

from collections.abc import Sequence

from compress.searching.steps import ETA
from edgepress.core.search import TrialRecord

ALIKE = 1.02
"""Times and sizes that differ by less are the same."""


def given_up(record: TrialRecord, others: Sequence[TrialRecord], epochs: int) -> str | None:
    """Return why a trial does not go on after the epochs of a rung, `None` where it does.

    Args:
        record: Of a trial that has come so far.
        others: All others, with latencies of this machine.
        epochs: At the end of the rung.
    """
    rung = [one for one in others if map_at(one, epochs) is not None]
    ahead = place(record, rung, epochs)
    better = sum(place(one, (*rung, record), epochs) < ahead for one in rung)
    going_on = max(1, -(-(len(rung) + 1) // ETA))
    if ahead == 0 or better < going_on:
        return None
    return (
        f"after {epochs} epochs {ahead} of {len(rung)} others were at least as accurate, as fast "
        f"and as small, and {better} had a better place"
    )


def place(record: TrialRecord, rung: Sequence[TrialRecord], epochs: int) -> int:
    """Return how many others of a rung dominate a trial."""
    return sum(dominates(one, record, epochs) for one in rung if one.number != record.number)


def dominates(one: TrialRecord, other: TrialRecord, epochs: int | None = None) -> bool:
    """Tell whether a trial is nowhere worse than another one and somewhere better.

    Args:
        one: That trial.
        other: The other one.
        epochs: At the end of the rung at which they are held against each other; `None` takes the
            mAP of the file.
    """
    maps = [one.map if epochs is None else map_at(one, epochs) for one in (one, other)]
    pairs = [(one.latency_ratio, other.latency_ratio), (one.size_bytes, other.size_bytes)]
    if None in maps or any(None in pair for pair in pairs):
        return False
    more, less = maps
    assert more is not None
    assert less is not None
    costs = [own / its for own, its in pairs if own is not None and its]
    worse = more < less or any(cost > ALIKE for cost in costs)
    better = more > less or any(cost < 1 / ALIKE for cost in costs)
    return better and not worse


def map_at(record: TrialRecord, epochs: int) -> float | None:
    """Return the mAP of a trial's student at the end of a rung, `None` where it never was there."""
    return next((rung.map for rung in record.rungs if rung.epochs == epochs), None)
