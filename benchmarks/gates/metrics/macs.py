"""Multiplications and additions for one image."""

from benchmarks.gates.metrics._counted import counted
from benchmarks.gates.metrics._metric import COUNT, Metric

METRIC = Metric(
    about="cost",
    needs="network",
    forms=counted(lambda model: model.artifact.manifest.measurements.macs, COUNT),
    examples=("macs <= 3e8", "macs ratio <= 0.5"),
)
