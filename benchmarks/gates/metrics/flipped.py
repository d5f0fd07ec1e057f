"""Share of the decisions that differ from those of what the model was made from."""

from benchmarks.gates.metrics._counted import at_most
from benchmarks.gates.metrics._metric import Metric

METRIC = Metric(
    about="findings",
    needs="parity",
    forms={
        "value": at_most(
            lambda model: model.artifact.manifest.measurements.parity_flipped,
            told=" (share of decisions that differ from the parent)",
        )
    },
    examples=("flipped <= 0.001",),
)
