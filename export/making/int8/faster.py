"""The first half of a search: what is slower as integers on this runtime goes back to float."""

from export.making.int8.groups import float_groups
from export.making.int8.setting import STEM
from export.making.int8.trials import Trials, Tried

SLOW = "{}: slower as integers on this runtime"


def faster(trials: Trials, best: Tried) -> Tried:
    """Return the fastest file found; where files are not timed, the one given."""
    if best.speedup is None:
        return best
    best = _shared_ranges(trials, best)
    for part, names in float_groups(trials.graph).items():
        best = _part_in_float(trials, best, part, names)
    for share in (1.0, 0.5):
        if trials.over():
            break
        slow = _slow_convs(trials, best)
        names = slow[: round(share * len(slow))]
        best = _part_in_float(trials, best, f"the {len(names)} convolutions that lose most", names)
    return _stem_in_integers(trials, best)


def _shared_ranges(trials: Trials, best: Tried) -> Tried:
    """Give what meets in a concatenation one range, where that is faster and harms little."""
    possible = trials.workshop.quantizer.shares_ranges
    if not possible or not any(node.op_type == "Concat" for node in trials.graph.graph.node):
        return best
    change = "one range for what meets in a concatenation"
    return _if_harmless(trials, best, change, {"shared_ranges": True})


def _stem_in_integers(trials: Trials, best: Tried) -> Tried:
    """Let the convolution of the image be integers where that is faster and harms little."""
    left = {name: why for name, why in best.setting.kept_float.items() if why != STEM}
    if len(left) == len(best.setting.kept_float):
        return best
    change = "the convolution of the image in integers"
    return _if_harmless(trials, best, change, {"kept_float": left})


def _if_harmless(trials: Trials, best: Tried, change: str, update: dict[str, object]) -> Tried:
    """Return the best so far, or another that is faster and accurate enough, or as accurate."""
    if trials.over():
        return best
    start = trials.start()
    tried = trials.timed(best.setting.model_copy(update=update), best)
    good = tried.faster
    if good:
        trials.judge(tried)
        good = trials.met(tried) or _no_worse(trials, tried, best)
    trials.note(change, tried, good, start)
    return tried if good else best


def _no_worse(trials: Trials, tried: Tried, best: Tried) -> bool:
    trials.judge(best)
    return tried.drop <= best.drop


def _part_in_float(trials: Trials, best: Tried, part: str, names: tuple[str, ...]) -> Tried:
    """Return what is faster: the best so far, or the same with more nodes in float."""
    left = [name for name in names if name not in best.setting.kept_float]
    wanted = best.setting.keeping(dict.fromkeys(left, SLOW.format(part)))
    if not left or trials.over() or not trials.has_integers(wanted):
        return best
    start = trials.start()
    tried = trials.timed(wanted, best)
    good = tried.faster
    trials.note(f"{part} in float", tried, good, start)
    return tried if good else best


def _slow_convs(trials: Trials, best: Tried) -> tuple[str, ...]:
    """Return the convolutions that take longer as integers, those that lose most first."""
    stopwatch = trials.judges.stopwatch
    assert stopwatch is not None  # without it nothing has a speed-up
    floats, integers = (
        stopwatch.conv_seconds(path, trials.graph) for path in (trials.workshop.prepared, best.path)
    )
    loss = {name: integers[name] - floats[name] for name in integers.keys() & floats.keys()}
    slow = sorted((name for name in loss if loss[name] > 0), key=lambda name: -loss[name])
    return tuple(name for name in slow if name not in best.setting.kept_float)
