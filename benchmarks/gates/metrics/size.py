"""Bytes of the model's file."""

from benchmarks.gates.metrics._counted import counted
from benchmarks.gates.metrics._metric import BYTES, Metric

METRIC = Metric(
    about="cost",
    needs="network",
    forms=counted(lambda model: model.artifact.size_bytes, BYTES, " bytes"),
    examples=("size <= 2MB", "size ratio <= 0.1"),
)
