"""Largest difference of a probability from what the model was made from."""

from benchmarks.gates.metrics._counted import at_most
from benchmarks.gates.metrics._metric import Metric

METRIC = Metric(
    about="findings",
    needs="parity",
    forms={
        "value": at_most(
            lambda model: model.artifact.manifest.measurements.parity_max_prob_diff,
            told=" (largest difference of a probability from the parent)",
        )
    },
    examples=("parity <= 0.001",),
)
