"""What a search tries: files made by settings, judged and noted."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import onnx

from edgepress.core import console
from edgepress.core.manifest import SearchStep
from export.making.int8.quantize import Workshop, quantize
from export.making.int8.setting import Setting
from export.making.int8.steps import sentence
from export.making.int8.timing import Comparison, Stopwatch
from models.onnx_graph.index import LAYERS

PROBE_IMAGES = 16
"""Enough to tell which part of a network makes most noise."""
HARMFUL = "8 bits cost accuracy there"


@dataclass(frozen=True)
class Demands:
    """What the file must reach, and what may be spent on it."""

    map_drop: float
    """Largest drop of mAP on the validation part, as a share; the whole interval keeps it."""
    budget_s: float
    """Seconds for the whole search; 0 takes the best-known setting as it is."""


@dataclass(frozen=True)
class Judges:
    """How a file is judged."""

    stopwatch: Stopwatch | None
    """`None` where this machine does not run the file as its target does."""
    map_drop: Callable[[Path], float]
    """Upper 95% bound of mAP of the float file minus a file's, on the validation part."""
    noise: Callable[[Path], float]
    """Mean squared difference of a file's logits from the float file's, on some of its images."""


@dataclass
class Tried:
    """A file made by a setting, and what is known of it."""

    setting: Setting
    path: Path
    speedup: float | None = None
    timing: Comparison | None = None
    """How it ran beside the float file and the best file before, where the two were timed."""
    map_drop: float | None = None

    @property
    def faster(self) -> bool:
        """Whether it is surely faster than the best file before, by so much that it matters."""
        assert self.timing is not None  # the best one was timed, so this one is
        return self.timing.worth

    @property
    def drop(self) -> float:
        """What is known of its accuracy, which is measured before it is compared."""
        assert self.map_drop is not None
        return self.map_drop


@dataclass
class Trials:
    """Makes files, judges them, and notes each step, within a budget that starts at once."""

    workshop: Workshop
    judges: Judges
    demands: Demands
    steps: list[SearchStep] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.demands.budget_s

    @cached_property
    def graph(self) -> onnx.ModelProto:
        """The prepared float graph, read once: it may be hundreds of megabytes."""
        return onnx.load(self.workshop.prepared)

    def make(self, setting: Setting) -> Tried:
        """Make a file, called after the step that it belongs to."""
        path = self.workshop.folder / f"tried-{len(self.steps)}.onnx"
        quantize(self.workshop, setting, path)
        return Tried(setting, path)

    def probe(self, setting: Setting) -> Path:
        """Make a file that only ranks the parts of a network, on few images where each costs."""
        path, workshop = self.workshop.folder / "probe.onnx", self.workshop
        if not workshop.quantizer.keeps_ranges:
            few = replace(workshop.images, rows=workshop.images.rows[:PROBE_IMAGES])
            workshop = replace(workshop, images=few)
        quantize(workshop, setting, path)
        return path

    def timed(self, setting: Setting, best: Tried) -> Tried:
        """Make a file and time it beside the best so far, where this machine is the target."""
        tried, stopwatch = self.make(setting), self.judges.stopwatch
        if stopwatch is not None:
            tried.timing = stopwatch.compare(tried.path, best.path)
            tried.speedup = tried.timing.speedup
        return tried

    def speedup(self, tried: Tried) -> float | None:
        """Return how many times faster than the float file a file is, `None` where unknown."""
        stopwatch = self.judges.stopwatch
        return None if stopwatch is None else stopwatch.speedup(tried.path)

    def judge(self, tried: Tried) -> None:
        """Measure a file's accuracy, once."""
        if tried.map_drop is None:
            tried.map_drop = self.judges.map_drop(tried.path)

    def met(self, tried: Tried) -> bool:
        """Tell whether a file is accurate enough."""
        return tried.drop <= self.demands.map_drop

    def over(self) -> bool:
        """Tell whether the budget is spent, or will be before another step is done."""
        usual = statistics.fmean(step.seconds for step in self.steps) if self.steps else 0.0
        return time.monotonic() + usual > self._end

    def has_integers(self, setting: Setting) -> bool:
        """Tell whether a layer with weights is left that is not float: else it is no int8 file."""
        layers = {node.name for node in self.graph.graph.node if node.op_type in LAYERS}
        return not layers <= setting.kept_float.keys()

    def start(self) -> float:
        """Return the time at which a step begins."""
        return time.monotonic()

    def note(self, change: str, tried: Tried, kept: bool, start: float) -> None:
        """Keep and tell a step that began at `start`."""
        step = SearchStep(
            change=change,
            speedup=tried.speedup,
            gain=tried.timing.gain if tried.timing else None,
            gain_ci95=tried.timing.gain_ci95 if tried.timing else None,
            map_drop=tried.map_drop,
            kept=kept,
            seconds=time.monotonic() - start,
        )
        self.steps.append(step)
        console.say(f"  {sentence(step)}")
