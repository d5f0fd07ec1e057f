"""Quick timings that guide the search; the gates measure again, in fresh processes."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

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


@dataclass(frozen=True)
class Stopwatch:
    """Times files against one float file, in turn, in this process."""

    as_model: Callable[[Path], Artifact]
    """Makes something a runtime can open of a file."""
    reference: Path
    provider: str
    threads: int

    def speedup(self, path: Path) -> float:
        """Return how many times faster than the float file a file is.

        The median over rounds of ratios; of each round the fastest of three runs counts, which
        leaves out what other processes do.

        Raises:
            UserError: the runtime cannot open or run it.
        """
        sessions = [self.open(self.reference), self.open(path)]
        image = self.image()
        for session in sessions:
            session.run(image)
        ratios: list[float] = []
        end = time.perf_counter() + LONGEST_S
        while len(ratios) < ROUNDS_MIN or (len(ratios) < ROUNDS and time.perf_counter() < end):
            before, now = (_fastest(session, image) for session in sessions)
            ratios.append(before / now)
        return float(np.median(ratios))

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
