"""A watch again from what was stored of it; a state that cannot be true is refused."""

from collections import Counter
from typing import Any

import numpy as np

from . import latency
from .checking import DAMAGED, check_labels, number
from .errors import WatchError
from .signals import Values
from .watcher import Watch
from .window import TESTS, counts_from, whole, window_from


def watch_from(state: Any) -> Watch:
    """Return the watch whose `state()` this is.

    Raises:
        WatchError: it is damaged, or of another version.
    """
    try:
        return _watch(state)
    except DAMAGED as error:
        raise WatchError(f"The state of the watch is damaged ({error!r}).") from None


def _watch(state: Any) -> Watch:
    if whole(state["schema_version"]) != 1:
        raise WatchError(f"The state has version {state['schema_version']}. Allowed: 1.")
    check_labels(state["labels"])
    watch = Watch(state["reference"], state["labels"])
    if watch.labels != state["labels"]:
        raise ValueError("the labels are not those of the reference")
    watch.devices, watch.images = whole(state["devices"]), whole(state["images"])
    watch.invalid = whole(state["invalid"])
    watch.latency = _latency(state["latency"], watch.images + watch.invalid)
    watch.total = counts_from(state["total"], watch.signals, watch.images)
    watch.window = window_from(state["window"], watch.signals)
    watch.latest = window_from(state["latest"], watch.signals)
    watch.sums = _sums(state["page_hinkley"], len(watch.signals))
    _restore_windows(watch, state)
    return watch


def _restore_windows(watch: Watch, state: Any) -> None:
    numbers = (whole(state["windows"][key]) for key in ("complete", "alarmed", "run"))
    watch.complete, watch.alarmed, watch.run = numbers
    if not watch.complete >= watch.alarmed >= watch.run:
        raise ValueError("there are more alarms than windows")
    for test in TESTS:
        for signal, count in state["alarms"][test].items():
            if signal not in watch.signals:
                raise ValueError(f"an alarm of a signal that is not watched: {signal}")
            watch.alarms[test][signal] = whole(count)


def _latency(state: dict[str, Any], runs: int) -> latency.Sketch:
    sketch: latency.Sketch = Counter({int(place): whole(n) for place, n in state.items()})
    last = latency.bin_of(latency.LONGEST_S)
    if sketch.total() != runs or not all(0 <= place <= last for place in sketch):
        raise ValueError("there are not as many latencies as images")
    return sketch


def _sums(state: dict[str, Any], signals: int) -> Values:
    sums = np.array([[number(one) for one in state[key]] for key in ("rise", "fall")])
    if sums.shape != (2, signals) or (sums < 0).any():
        raise ValueError("the sums of Page-Hinkley are not those of these signals")
    return sums
