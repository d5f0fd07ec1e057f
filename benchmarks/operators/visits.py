"""One visit: a file is timed as it is and under the profiler, between two blocks of a reference.

Whatever slows the machine down for a while slows the reference down with the file, and the ratio of
the two stays. The profiled session is opened anew each time, so that where its memory happens to
lie is another draw of each visit.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.operators.variants import Variants
from benchmarks.runtimes import _events
from benchmarks.runtimes._events import Node, Shapes
from edgepress.core.errors import UserError

PROVIDER = "CPUExecutionProvider"
BLOCK_S = 0.02
"""Shortest block of runs."""
LEAST, MOST = 6, 60
"""Runs of a block; the first is left out."""
WARM_UP = 3
"""Profiled runs that are left out."""
UNDISTURBED = 0.25
"""Which quantile of a block counts: what disturbs a run makes it longer, never shorter."""
_OF_A_THREAD = sys.platform.startswith("linux")
"""Elsewhere a thread's clock is too coarse, or not known to be fine enough."""


@dataclass(frozen=True)
class Visit:
    """What one visit has found, seconds a run."""

    file: str
    reference_s: tuple[float, float]
    """Of the blocks before and after."""
    plain_s: float
    """Without the profiler."""
    nodes_s: tuple[float, ...]
    """Of each node, in the order in which they ran."""


@dataclass
class Visitor:
    """Holds the sessions that stay open."""

    variants: Variants
    nodes: dict[str, dict[Node, Shapes]] = field(default_factory=dict)
    """What runs in each file that was visited."""
    _open: dict[str, ort.InferenceSession] = field(default_factory=dict)

    def visit(self, file: str) -> Visit:
        """Time a file once.

        Raises:
            UserError: ONNX Runtime cannot open or run it.
        """
        before = self._plain(self.variants.reference)
        plain = self._plain(file)
        nodes = self._profiled(file)
        return Visit(file, (before, self._plain(self.variants.reference)), plain, nodes)

    def _plain(self, file: str) -> float:
        if file not in self._open:
            self._open[file] = _session(self.variants, file)
        return float(np.quantile(_block(self._open[file], self._image())[1:], UNDISTURBED))

    def _profiled(self, file: str) -> tuple[float, ...]:
        with tempfile.TemporaryDirectory(
            prefix="edgepress-profile-", ignore_cleanup_errors=True
        ) as folder:
            session = _session(self.variants, file, Path(folder) / "nodes")
            _block(session, self._image(), WARM_UP)
            told = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        self.nodes[file] = _events.shapes(told)
        each = _events.seconds(_events.runs(told, WARM_UP), fastest=0, slowest=0.5)
        return tuple(each[node] for node in self.nodes[file])

    def _image(self) -> NDArray[np.float32]:
        return np.random.default_rng(0).standard_normal(self.variants.shape, np.float32)


def _session(variants: Variants, file: str, profile: Path | None = None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = variants.threads
    options.inter_op_num_threads = 1
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    try:
        return ort.InferenceSession(variants.folder / file, options, providers=[PROVIDER])
    except Exception as error:  # it raises a dozen classes without a common base
        raise _refusal("open", variants.folder / file, error) from None


def _block(
    session: ort.InferenceSession, image: NDArray[np.float32], more: int = 0
) -> tuple[float, ...]:
    """Return the seconds of each run of a block; `more` runs come first."""
    port, clock = session.get_inputs()[0].name, _clock(session)
    found: list[float] = []
    end = clock() + BLOCK_S
    while len(found) < LEAST + more or (len(found) < MOST and clock() < end):
        start = clock()
        try:
            session.run(None, {port: image})
        except Exception as error:  # as above
            raise _refusal("run", port, error) from None
        found.append(clock() - start)
    return tuple(found)


def _clock(session: ort.InferenceSession) -> Callable[[], float]:
    """Return the clock of runs: of one thread, the time for which it has the processor.

    That is the time that passes, where nothing else wants the processor; and where something does,
    it is still what the file takes. Several threads wait for each other, which counts.
    """
    alone = session.get_session_options().intra_op_num_threads == 1
    return time.thread_time if alone and _OF_A_THREAD else time.perf_counter


def _refusal(what: str, file: object, error: Exception) -> UserError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UserError(f"ONNX Runtime cannot {what} a variant ({said})", got=file)
