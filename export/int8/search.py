"""The search for an int8 file that is neither slower nor worse than the float one.

It starts from the target's best-known setting. Parts that are slower as integers on this runtime
go back to float first, since float costs no accuracy, and the convolution of the image leaves it if
that pays and does no harm. Then, while accuracy is missed, bias correction and other ways to
calibrate are tried, and the parts that do most harm go back to float, one after the other. Accuracy
is judged on the validation part, never on the test part.

What is float in the file need not be float when it runs: ONNX Runtime may quantize a lone float
convolution between integers again, with one scale per tensor (its `WeightBiasQuantization`). Times
and accuracy are those of what runs, and the audit counts it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import onnx

from compress.core import console
from compress.core.manifest import SearchStep
from export.audit import Audit, audit
from export.int8.calibration import Method
from export.int8.groups import LAYERS, float_groups, slices
from export.int8.quantize import Workshop, first_setting, quantize
from export.int8.setting import STEM, Setting
from export.int8.steps import sentence
from export.int8.timing import Stopwatch

WORTH = 1.015
"""A change made for time must make the file faster by this factor: less may be chance."""
METHODS: tuple[Method, ...] = ("minmax", "percentile", "entropy", "moving_average")
SLICES = 12
"""Parts of the network that go back to float for accuracy's sake."""
HARMFUL = "8 bits cost accuracy there"
SLOW = "{}: slower as integers on this runtime"


@dataclass(frozen=True)
class Demands:
    """What the file must reach, and what may be spent on it."""

    map_drop: float
    """Largest drop of mAP on the validation part, as a share."""
    budget_s: float
    """Seconds for the whole search; 0 takes the best-known setting as it is."""


@dataclass(frozen=True)
class Judges:
    """How a file is judged."""

    stopwatch: Stopwatch | None
    """`None` where this machine does not run the file as its target does."""
    map_drop: Callable[[Path], float]
    """mAP of the float file minus a file's, on the validation part."""
    noise: Callable[[Path], float]
    """Mean squared difference of a file's logits from the float file's, on some of its images."""


@dataclass(frozen=True)
class Found:
    """The best file, how it was made, and what else was tried."""

    path: Path
    setting: Setting
    audited: Audit | None
    """What ONNX Runtime's CPU provider makes of it; `None` where the file is for another one."""
    steps: tuple[SearchStep, ...]


@dataclass
class _Tried:
    """A file made by a setting, and what is known of it."""

    setting: Setting
    path: Path
    speedup: float | None = None
    map_drop: float | None = None


@dataclass
class Search:
    """One search; `run` is its story."""

    workshop: Workshop
    judges: Judges
    demands: Demands
    start: Setting | None = None
    """What an earlier search on the same layers has found to be fast, which is then not looked for
    again; `None` starts from the target's best-known setting."""
    steps: list[SearchStep] = field(default_factory=list)

    def run(self) -> Found:
        """Return the best file found within the budget.

        Raises:
            UserError: the runtime cannot open or run a file.
        """
        self._end = time.monotonic() + self.demands.budget_s
        best = self._first()
        if self.demands.budget_s:
            best = best if self.start else self._faster(best)
            best = self._accurate(best)
        return Found(best.path, best.setting, self._audit(best), tuple(self.steps))

    def _audit(self, best: _Tried) -> Audit | None:
        target = self.workshop.target
        if target.provider != "cpu":
            return None
        stopwatch = self.judges.stopwatch
        times = stopwatch.node_times(best.path) if stopwatch else ()
        return audit(best.path, target.session_config, best.setting.kept_float, times)

    def _first(self) -> _Tried:
        start = time.monotonic()
        best = self._make(self.start or first_setting(self.workshop))
        if self.demands.budget_s:
            best.speedup = self._speedup(best)
        self._note("the target's best-known setting", best, kept=True, start=start)
        return best

    def _faster(self, best: _Tried) -> _Tried:
        """Put back to float what is slower as integers on this runtime."""
        if best.speedup is None:
            return best
        for part, names in float_groups(self._graph).items():
            best = self._if_faster(best, part, names)
        for share in (1.0, 0.5):
            if self._over():
                break
            slow = self._slow_convs(best)
            names = slow[: round(share * len(slow))]
            best = self._if_faster(best, f"the {len(names)} convolutions that lose most", names)
        return self._stem_in_integers(best)

    def _stem_in_integers(self, best: _Tried) -> _Tried:
        """Let the convolution of the image be integers where that is faster and accurate enough."""
        left = {name: why for name, why in best.setting.kept_float.items() if why != STEM}
        if len(left) == len(best.setting.kept_float) or self._over():
            return best
        start = time.monotonic()
        tried = self._make(best.setting.model_copy(update={"kept_float": left}))
        tried.speedup = self._speedup(tried)
        good = self._is_faster(tried, best)
        if good:
            tried.map_drop = self.judges.map_drop(tried.path)
            good = self._met(tried)
        self._note("the convolution of the image in integers", tried, good, start)
        return tried if good else best

    def _is_faster(self, tried: _Tried, best: _Tried) -> bool:
        assert tried.speedup is not None  # the best one was timed, so this one is
        assert best.speedup is not None
        return tried.speedup > WORTH * best.speedup

    def _slow_convs(self, best: _Tried) -> tuple[str, ...]:
        stopwatch = self.judges.stopwatch
        assert stopwatch is not None  # without it nothing has a speed-up
        floats, integers = (
            stopwatch.conv_seconds(path, self._graph)
            for path in (self.workshop.prepared, best.path)
        )
        loss = {name: integers[name] - floats[name] for name in integers.keys() & floats.keys()}
        slow = sorted((name for name in loss if loss[name] > 0), key=lambda name: -loss[name])
        return tuple(name for name in slow if name not in best.setting.kept_float)

    def _if_faster(self, best: _Tried, part: str, names: tuple[str, ...]) -> _Tried:
        """Return what is faster: the best so far, or the same with more nodes in float."""
        left = [name for name in names if name not in best.setting.kept_float]
        wanted = best.setting.keeping(dict.fromkeys(left, SLOW.format(part)))
        if not left or self._over() or not self._has_integers(wanted):
            return best
        start = time.monotonic()
        tried = self._make(wanted)
        tried.speedup = self._speedup(tried)
        faster = self._is_faster(tried, best)
        self._note(f"{part} in float", tried, faster, start)
        return tried if faster else best

    def _accurate(self, best: _Tried) -> _Tried:
        """Try other numbers, then put the noisiest nodes back to float, while it is needed."""
        start = time.monotonic()
        if best.map_drop is None:
            best.map_drop = self.judges.map_drop(best.path)
        self._note("accuracy of the best so far", best, kept=True, start=start)
        best = self._equalized(best)
        best = self._bias_corrected(best)
        best = self._other_calibration(best)
        return best if self._met(best) or self._over() else self._less_noise(best)

    def _equalized(self, best: _Tried) -> _Tried:
        """Balance neighbouring layers where a whole weight tensor shares one scale."""
        if self._met(best) or self._over() or self.workshop.target.per_channel:
            return best
        return self._if_better(best, "cross-layer equalization", {"equalized": True})

    def _bias_corrected(self, best: _Tried) -> _Tried:
        """Take back what rounded weights shift; NNCF does so by itself."""
        if self._met(best) or self._over() or self.workshop.target.quantizer == "nncf":
            return best
        return self._if_better(best, "bias correction", {"bias_corrected": True})

    def _if_better(self, best: _Tried, change: str, update: dict[str, object]) -> _Tried:
        """Return what is more accurate: the best so far, or the same with other numbers in it."""
        start = time.monotonic()
        tried = self._make(best.setting.model_copy(update=update))
        tried.speedup = best.speedup  # other numbers in the same graph
        tried.map_drop = self.judges.map_drop(tried.path)
        better = _drop(tried) < _drop(best)
        self._note(change, tried, better, start)
        return tried if better else best

    def _other_calibration(self, best: _Tried) -> _Tried:
        first = best.setting.method
        for method in METHODS:
            if self._met(best) or self._over():
                break
            if method == first:
                continue
            best = self._if_better(best, f"calibration by {method}", {"method": method})
        return best

    def _less_noise(self, best: _Tried) -> _Tried:
        """Put back to float the fewest parts that do the most harm until accuracy is met."""
        kept: tuple[str, ...] = ()
        for part in self._harmful_first(best):
            kept += part
            wanted = best.setting.keeping(dict.fromkeys(kept, HARMFUL))
            if self._met(best) or self._over() or not self._has_integers(wanted):
                break
            start = time.monotonic()
            tried = self._make(wanted)
            tried.speedup = self._speedup(tried)
            tried.map_drop = self.judges.map_drop(tried.path)
            better = _drop(tried) < _drop(best)
            self._note(f"{len(kept)} nodes that do most harm in float", tried, better, start)
            best = tried if better else best
        return best

    def _harmful_first(self, best: _Tried) -> list[tuple[str, ...]]:
        """Return slices of the network, that whose return to float quiets the output most first."""
        noise: dict[tuple[str, ...], float] = {}
        for part in slices(self._graph, SLICES):
            left = tuple(name for name in part if name not in best.setting.kept_float)
            wanted = best.setting.keeping(dict.fromkeys(left, HARMFUL))
            if left and not self._over() and self._has_integers(wanted):
                tried = self._make(wanted, "probe")
                noise[left] = self.judges.noise(tried.path)
        console.say(f"  {len(noise)} parts of the network put back to float, one at a time")
        return sorted(noise, key=lambda part: noise[part])

    def _has_integers(self, setting: Setting) -> bool:
        """Tell whether a layer with weights is left that is not float: else it is no int8 file."""
        layers = {node.name for node in self._graph.graph.node if node.op_type in LAYERS}
        return not layers <= setting.kept_float.keys()

    @cached_property
    def _graph(self) -> onnx.ModelProto:
        """The prepared float graph, read once: it may be hundreds of megabytes."""
        return onnx.load(self.workshop.prepared)

    def _make(self, setting: Setting, name: str | None = None) -> _Tried:
        path = self.workshop.folder / f"{name or f'tried-{len(self.steps)}'}.onnx"
        quantize(self.workshop, setting, path)
        return _Tried(setting, path)

    def _speedup(self, tried: _Tried) -> float | None:
        stopwatch = self.judges.stopwatch
        return None if stopwatch is None else stopwatch.speedup(tried.path)

    def _met(self, tried: _Tried) -> bool:
        return _drop(tried) <= self.demands.map_drop

    def _over(self) -> bool:
        return time.monotonic() > self._end

    def _note(self, change: str, tried: _Tried, kept: bool, start: float) -> None:
        step = SearchStep(
            change=change,
            speedup=tried.speedup,
            map_drop=tried.map_drop,
            kept=kept,
            seconds=time.monotonic() - start,
        )
        self.steps.append(step)
        console.say(f"  {sentence(step)}")


def _drop(tried: _Tried) -> float:
    assert tried.map_drop is not None  # accuracy is measured before it is compared
    return tried.map_drop
