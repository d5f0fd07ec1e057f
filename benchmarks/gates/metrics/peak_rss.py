"""Most memory that a process with the model takes, bytes."""

from benchmarks.gates.evidence import Subject
from benchmarks.gates.metrics._counted import counted
from benchmarks.gates.metrics._metric import BYTES, Metric


def read(model: Subject) -> float | None:
    """Return it as the tournament saw it."""
    return model.latency.peak_rss_bytes if model.latency else None


METRIC = Metric(
    about="cost",
    needs="latency",
    forms=counted(read, BYTES, " bytes of memory"),
    examples=("peak_rss <= 120MB", "peak_rss ratio <= 0.5"),
)
