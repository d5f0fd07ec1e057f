"""What each operator costs, read from ONNX Runtime's own profile."""

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.runtimes import _events
from benchmarks.runtimes._ort import OrtSession
from benchmarks.runtimes._session import Images, Session
from edgepress.core.noun import Noun

_WARM_UP = 3
_MIN_RUNS, _MAX_RUNS = 5, 30
_LONGEST_S = 0.5
"""Runs go on for this long, within the two limits; each writes about a kilobyte per node."""


class NodeTime(Noun):
    """What one node of the graph that ONNX Runtime executes costs."""

    name: str
    """As the optimized graph calls it, which is not always as the file does."""
    op_type: str
    provider: str
    """The execution provider that ran it."""
    seconds: float
    """Per run, as the processor sees it, in a profiler that counts whole microseconds. What a GPU
    does after an operator was handed over to it is not in it."""


def profile(session: Session, images: Images) -> tuple[NodeTime, ...] | None:
    """Run `images` again and again in a profiled session, and return what each node costs.

    The given session is closed and opened anew for it, and is slower from then on. Each figure
    is the mean over the runs without the fastest and the slowest quarter of them: a median would
    not tell fractions of the profiler's microsecond.

    Returns:
        The nodes in the order in which they ran, or `None` where the runtime does not tell.

    Raises:
        UserError: the model does not open or run a second time.
    """
    if not isinstance(session, OrtSession):
        return None
    with tempfile.TemporaryDirectory(
        prefix="edgepress-profile-", ignore_cleanup_errors=True
    ) as folder:
        if not session.start_profile(Path(folder) / "nodes"):
            return None
        _run(session, images)
        told = json.loads(session.end_profile().read_text(encoding="utf-8"))
    return node_times(told)


def time_share(session: Session, images: Images) -> float | None:
    """Return the share of the nodes' time that is spent on the provider asked for.

    `None` where the runtime does not tell, or nothing took a microsecond. See `profile`.

    Raises:
        UserError: the model does not open or run a second time.
    """
    nodes = profile(session, images)
    if nodes is None or not isinstance(session, OrtSession):
        return None
    return share_on(session.ep, nodes)


def share_on(ep: str, nodes: tuple[NodeTime, ...]) -> float | None:
    """Return the share of the nodes' time on a provider; `None` where there is no time at all."""
    total = sum(node.seconds for node in nodes)
    ours = sum(node.seconds for node in nodes if node.provider == ep)
    return ours / total if total else None


def node_times(told: Iterable[dict[str, Any]]) -> tuple[NodeTime, ...]:
    """Return what each node costs by the events of a profile, the warm-up left out."""
    each = _events.seconds(_events.runs(told, _WARM_UP))
    return tuple(
        NodeTime(name=node.name, op_type=node.op_type, provider=node.provider, seconds=taken)
        for node, taken in each.items()
    )


def _run(session: Session, images: Images) -> None:
    for _ in range(_WARM_UP + _MIN_RUNS):
        session.run(images)
    end = time.perf_counter() + _LONGEST_S
    for _ in range(_MAX_RUNS - _MIN_RUNS):
        if time.perf_counter() > end:
            break
        session.run(images)
