"""`python -m compress.search --budget "latency <= 2ms"` searches for the best student."""

import sys

from compress.recipes.running import Place
from compress.searching import finalists, judging, shown, trying, working
from compress.searching.bench import Bench, opened
from compress.searching.judging import Hearing
from compress.searching.options import Config
from compress.searching.store.ledger import CLOSED
from edgepress.core import console, place
from edgepress.core.cli import main


def run(config: Config) -> None:
    """Try students within the hours, and judge the best; or help, or show how far it is.

    Raises:
        UserError: bad options, space, data, teacher or storage.
        GateFailed: no trial meets the budget, or a gate was not met.
        GateUndecided: a gate could not be decided.
    """
    if config.what == "status":
        shown.status(config.out)
    elif config.worker:
        _worked(opened(config))
    else:
        with place.occupied(config.out):
            _searched(config)


def _searched(config: Config) -> None:
    bench = opened(config)
    bench.ledger.say(CLOSED, False)
    _worked(bench)
    bench.ledger.say(CLOSED, True)
    records = bench.store().trials
    console.say(shown.best_so_far(records))
    found = bench.store(finalists.chosen(records, config.finalists))
    for one in found.finalists:
        console.say(f"finalist: trial {one.trial}, {one.why}")
        trying.remade(bench, one.trial)
    data = Place(config.data, config.out, config.skip_bad_images)
    timing = f"{bench.clock.timing_s():.0f}s"
    judging.judge(found, Hearing(bench.ruler.whole.path, data, latency_time=timing))


def _worked(bench: Bench) -> None:
    """Try; whatever ends it, what was tried is written down."""
    try:
        working.work(bench)
    except KeyboardInterrupt:
        console.say(shown.best_so_far(bench.store().trials))
        raise


if __name__ == "__main__":
    sys.exit(main(Config, run))
