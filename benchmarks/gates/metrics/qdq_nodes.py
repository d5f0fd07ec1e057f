"""QuantizeLinear and DequantizeLinear nodes of an int8 file that the runtime executes."""

from benchmarks.gates.metrics._counted import at_most
from benchmarks.gates.metrics._metric import Metric

METRIC = Metric(
    about="cost",
    needs="integers",
    forms={
        "value": at_most(
            lambda model: model.artifact.manifest.measurements.qdq_nodes,
            told=" (QuantizeLinear and DequantizeLinear nodes that the runtime executes)",
        )
    },
    examples=("qdq_nodes <= 2",),
)
