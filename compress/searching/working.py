"""What a worker does until the search is over: one trial after the other."""

import time
from collections.abc import Iterator

from compress.searching import proposing, shown
from compress.searching.bench import Bench
from compress.searching.clock import OutOfTimeError
from compress.searching.store.ledger import TRIES, Holding
from compress.searching.trying import Attempt
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.search import TrialRecord

USUAL_TRIALS = 30
"""Without --hours and --trials."""
FAILURES = 5
"""Trials in a row that end by an error end the search: the next ones would not do better."""
HOPELESS = 60
"""Trials over the budget, and none within it, after which the search is over."""
WAIT_S = 1.0


def work(bench: Bench) -> None:
    """Try until the hours, the trials or the space are used up.

    Raises:
        UserError: trials end by errors, one after the other, or the storage is gone.
    """
    failed: list[TrialRecord] = []
    for record in _ended(bench):
        bench.store()
        console.say(shown.progress(record, bench))
        failed = [*failed, record] if record.state == "failed" else []
        if len(failed) >= FAILURES:
            raise UserError(
                f"{len(failed)} trials in a row ended by an error, the last: {record.reason}",
                next_step="see to that, or narrow the space (--set); the same command goes on",
            )


def _ended(bench: Bench) -> Iterator[TrialRecord]:
    """Yield trials as they end in the hands of this worker."""
    while not bench.ledger.closed and bench.left_s() > 0:
        try:
            record = _left(bench) or _new(bench)
        except OutOfTimeError as over:
            console.say(f"no more trials: {over}")
            return
        if record is not None:
            yield record
        elif bench.config.worker or not _others_work(bench):
            return
        else:
            time.sleep(WAIT_S)


def _left(bench: Bench) -> TrialRecord | None:
    """Go on with a trial that was left, if there is one; return it as it ended."""
    for number in bench.ledger.abandoned():
        with bench.ledger.held(number) as holding:
            if holding is not None:
                return _taken(bench, holding)
    return None


def _taken(bench: Bench, holding: Holding) -> TrialRecord | None:
    known = bench.ledger.record(holding.number)
    if known is None:
        return _chosen(bench, holding)
    if known.state == "running" and holding.deaths >= TRIES:
        reason = f"its worker ended {holding.deaths} times without a word"
        known = known.model_copy(update={"state": "failed", "reason": reason})
    if known.state != "running":  # else its worker was killed before it could say that it is over
        bench.ledger.end(known)
        return known
    console.say(shown.begun(known, bench, goes_on=True))
    return Attempt(bench, known).outcome()


def _new(bench: Bench) -> TrialRecord | None:
    """Begin a trial; return it as it ended, `None` where there is nothing more to begin."""
    if _is_enough(bench):
        return None
    number = bench.ledger.begun()
    with bench.ledger.held(number) as holding:
        return None if holding is None else _chosen(bench, holding)


def _chosen(bench: Bench, holding: Holding) -> TrialRecord | None:
    others = bench.others(holding.number)
    choices = proposing.proposed(bench.frame.space, others, bench.frame.seed, holding.number)
    if choices is None:
        console.say("all that the space holds was tried")
        bench.ledger.discard(holding.number)
        return None
    record = bench.ledger.choose(holding.number, choices)
    console.say(shown.begun(record, bench))
    return Attempt(bench, record).outcome()


def _is_enough(bench: Bench) -> bool:
    records = bench.ledger.records()
    trained = [one for one in records if one.state in ("complete", "pruned", "running")]
    most = bench.config.trials
    if most is None and bench.config.hours is None:
        most = USUAL_TRIALS
    hopeless = not trained and len(records) >= HOPELESS
    return hopeless or (most is not None and len(trained) >= most)


def _others_work(bench: Bench) -> bool:
    """Tell whether another worker is at a trial, which is worth waiting for."""
    return any(one.state == "running" for one in bench.ledger.records())
