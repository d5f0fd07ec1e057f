"""Parameters of the network."""

from benchmarks.gates.metrics._counted import counted
from benchmarks.gates.metrics._metric import COUNT, Metric

METRIC = Metric(
    about="cost",
    needs="network",
    forms=counted(lambda model: model.artifact.manifest.measurements.params, COUNT),
    examples=("params <= 1e6", "params ratio <= 0.5"),
)
