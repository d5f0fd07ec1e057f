"""The second half of a search: other numbers, then fewer integers, while accuracy is missed."""

from edgepress.core import console
from export.making.int8.groups import slices
from export.making.int8.trials import HARMFUL, Trials, Tried

SLICES = 12
"""Parts of the network that go back to float for accuracy's sake."""


def accurate(trials: Trials, best: Tried) -> Tried:
    """Return a file that is accurate enough, or the most accurate that the budget allows."""
    start = trials.start()
    trials.judge(best)
    trials.note("accuracy of the best so far", best, kept=True, start=start)
    for change in (_equalized, _bias_corrected, _other_calibration, _less_noise):
        if trials.met(best) or trials.over():
            break
        best = change(trials, best)
    return best


def _equalized(trials: Trials, best: Tried) -> Tried:
    """Balance neighbouring layers where a whole weight tensor shares one scale."""
    if trials.workshop.target.per_channel:
        return best
    return _if_better(trials, best, "cross-layer equalization", {"equalized": True})


def _bias_corrected(trials: Trials, best: Tried) -> Tried:
    """Take back what rounded weights shift, or, where that is done anyway, take more care."""
    change = trials.workshop.quantizer.bias_correction
    return _if_better(trials, best, change, {"bias_corrected": True})


def _other_calibration(trials: Trials, best: Tried) -> Tried:
    first = best.setting.method
    for method in trials.workshop.quantizer.methods:
        if trials.met(best) or trials.over():
            break
        if method != first:
            best = _if_better(trials, best, f"calibration by {method}", {"method": method})
    return best


def _if_better(trials: Trials, best: Tried, change: str, update: dict[str, object]) -> Tried:
    """Return what is more accurate: the best so far, or the same with a change to it."""
    start = trials.start()
    tried = trials.make(best.setting.model_copy(update=update))
    tried.speedup = best.speedup  # other numbers in the same graph
    return _more_accurate(trials, best, tried, change, start)


def _more_accurate(trials: Trials, best: Tried, tried: Tried, change: str, start: float) -> Tried:
    trials.judge(tried)
    better = tried.drop < best.drop
    trials.note(change, tried, better, start)
    return tried if better else best


def _less_noise(trials: Trials, best: Tried) -> Tried:
    """Put back to float the fewest parts that do the most harm until accuracy is met."""
    kept: tuple[str, ...] = ()
    for part in _harmful_first(trials, best):
        kept += part
        wanted = best.setting.keeping(dict.fromkeys(kept, HARMFUL))
        if trials.met(best) or trials.over() or not trials.has_integers(wanted):
            break
        start = trials.start()
        change = f"{len(kept)} nodes that do most harm in float"
        best = _more_accurate(trials, best, trials.timed(wanted, best), change, start)
    return best


def _harmful_first(trials: Trials, best: Tried) -> list[tuple[str, ...]]:
    """Return slices of the network, that whose return to float quiets the output most first."""
    noise: dict[tuple[str, ...], float] = {}
    for part in slices(trials.graph, SLICES):
        left = tuple(name for name in part if name not in best.setting.kept_float)
        wanted = best.setting.keeping(dict.fromkeys(left, HARMFUL))
        if left and not trials.over() and trials.has_integers(wanted):
            noise[left] = trials.judges.noise(trials.probe(wanted))
    console.say(f"  {len(noise)} parts of the network put back to float, one at a time")
    return sorted(noise, key=lambda part: noise[part])
