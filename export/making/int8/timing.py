"""Quick timings that guide the search; the gates measure again, in fresh processes."""

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.runtimes import _session
from benchmarks.runtimes._profile import NodeTime, profile
from benchmarks.runtimes._session import Images, Session
from benchmarks.statistics import sequential
from benchmarks.timing import orders
from edgepress.core.artifact import Artifact
from models.onnx_graph.executed import ConvNames

ROUNDS = 12
"""Rounds at least, which are played however long they take."""
RUNS = 3
LONGEST_S = 6.0
"""What is not decided after this time is left so."""
SEED = 0
"""Of the orders within rounds: the same times lead to the same file."""
WORTH = 1.015
"""A change made for time must make the file faster by this factor: less is not worth a change."""

Seconds = NDArray[np.float64]
"""Of files that ran in turn, `[files, rounds]`."""


@dataclass(frozen=True)
class Comparison:
    """How fast a file is."""

    speedup: float
    """Time of the float file / its own, the median over rounds."""
    gain: float
    """Time of another file / its own, likewise."""
    gain_ci95: sequential.Interval
    """95% interval of the gain, as those of the gates on latency; see `sequential`."""

    @property
    def worth(self) -> bool:
        """Whether it is surely faster than the other file by so much that a change is worth it.

        What is not decided is no: the other file came before it.
        """
        return self.gain_ci95[0] > WORTH

    @property
    def decided(self) -> bool:
        """Whether more rounds would not change that."""
        low, high = self.gain_ci95
        return low > WORTH or high <= WORTH


@dataclass(frozen=True)
class Stopwatch:
    """Times files against one float file, in turn, in this process."""

    as_model: Callable[[Path], Artifact]
    """Makes something a runtime can open of a file."""
    reference: Path
    provider: str
    threads: int

    def speedup(self, path: Path) -> float:
        """Return how many times faster than the float file a file is, as the median over rounds.

        Raises:
            UserError: the runtime cannot open or run it.
        """
        before, now = self._race((self.reference, path), lambda _: True)
        return float(np.median(before / now))

    def compare(self, path: Path, best: Path) -> Comparison:
        """Return how fast a file is beside the float file and another, all in the same rounds.

        Rounds go on until it is decided whether the file is worth the change, or for 6 s.

        Raises:
            UserError: the runtime cannot open or run one of them.
        """
        files = (self.reference, path, best)
        return _compared(self._race(files, lambda so_far: _compared(so_far).decided))

    def _race(self, paths: tuple[Path, ...], decided: Callable[[Seconds], bool]) -> Seconds:
        """Return the seconds of files that run in turn, in balanced orders, until it is decided.

        Of each round the fastest of three runs counts, which leaves out what other processes do.
        """
        sessions = [self.open(path) for path in paths]
        image = self.image()
        for session in sessions:
            session.run(image)
        shuffled = random.Random(SEED)
        rounds: list[list[float]] = []
        end = time.perf_counter() + LONGEST_S
        while True:
            for order in orders.block(len(paths), shuffled):
                taken = {place: _fastest(sessions[place], image) for place in order}
                rounds.append([taken[place] for place in range(len(paths))])
            so_far = np.array(rounds).T
            late = time.perf_counter() >= end
            if len(rounds) >= ROUNDS and (late or decided(so_far)):
                return so_far

    def open(self, path: Path) -> Session:
        """Open a file.

        Raises:
            UserError: the runtime cannot.
        """
        return _session.find(self.provider).open_session(self.as_model(path), self.threads)

    def image(self) -> Images:
        """Return one image of noise, `[1, channels, h, w]`."""
        spec = self.as_model(self.reference).manifest.image
        return np.random.default_rng(0).standard_normal((1, *spec.shape), np.float32)

    def node_times(self, path: Path) -> tuple[NodeTime, ...]:
        """Return what each node of a file costs; empty where the runtime has no profile."""
        return profile(self.open(path), self.image()) or ()

    def conv_seconds(self, path: Path, model: onnx.ModelProto) -> dict[str, float]:
        """Return the time of each convolution of a graph in a file made of it, by node name.

        Empty where the runtime has no profile. Convolutions that the runtime has merged with
        something else than their activation are missing.
        """
        names = ConvNames(model)
        found: defaultdict[str, float] = defaultdict(float)
        for node in self.node_times(path):
            written = names.find(node.name)
            if written is not None and "Conv" in node.op_type:
                found[written] += node.seconds
        return dict(found)


def _compared(seconds: Seconds) -> Comparison:
    """Return how fast the second of three files is beside the first and the last."""
    before, now, other = seconds
    gain, interval = sequential.median_interval(other / now)
    return Comparison(float(np.median(before / now)), gain, interval)


def _fastest(session: Session, image: Images) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(image)
        times.append(time.perf_counter() - start)
    return min(times)
