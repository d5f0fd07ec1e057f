"""Quick timings that guide the search; the gates measure again, in fresh processes."""

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
from compress.core.artifact import Artifact
from models.onnx_graph.executed import ConvNames

ROUNDS = 15
RUNS = 3
LONGEST_S = 6.0
"""Rounds end early after this time, but not before `ROUNDS_MIN`."""
ROUNDS_MIN = 3
MOSTLY = 0.25
"""A gain counts that three of four rounds have shown: less may be what other processes do."""


@dataclass(frozen=True)
class Comparison:
    """How fast a file is."""

    speedup: float
    """Time of the float file / its own, the median over rounds."""
    gain: float
    """Time of another file / its own, in three of four rounds at least."""


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
        before, now = self._race(self.reference, path)
        return float(np.median(before / now))

    def compare(self, path: Path, best: Path) -> Comparison:
        """Return how fast a file is beside the float file and another, all in the same rounds.

        Raises:
            UserError: the runtime cannot open or run one of them.
        """
        before, now, other = self._race(self.reference, path, best)
        return Comparison(
            speedup=float(np.median(before / now)), gain=float(np.quantile(other / now, MOSTLY))
        )

    def _race(self, *paths: Path) -> NDArray[np.float64]:
        """Return the seconds of files that run in turn, `[files, rounds]`.

        Of each round the fastest of three runs counts, which leaves out what other processes do.
        """
        sessions = [self.open(path) for path in paths]
        image = self.image()
        for session in sessions:
            session.run(image)
        rounds: list[list[float]] = []
        end = time.perf_counter() + LONGEST_S
        while len(rounds) < ROUNDS_MIN or (len(rounds) < ROUNDS and time.perf_counter() < end):
            rounds.append([_fastest(session, image) for session in sessions])
        return np.array(rounds).T

    def open(self, path: Path) -> Session:
        """Open a file.

        Raises:
            UserError: the runtime cannot.
        """
        return _session.find(self.provider).open_session(self.as_model(path), self.threads)

    def image(self) -> Images:
        """Return one image of noise, `[1, 3, h, w]`."""
        spec = self.as_model(self.reference).manifest.image
        shape = (1, 3, spec.height, spec.width)
        return np.random.default_rng(0).standard_normal(shape, np.float32)

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


def _fastest(session: Session, image: Images) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(image)
        times.append(time.perf_counter() - start)
    return min(times)
