"""Share of the decisions for a label that are right."""

from benchmarks.gates.metrics._decisions import of_label
from benchmarks.gates.metrics._metric import Metric

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms=of_label("precision"),
    examples=("precision[LABEL] >= 0.95", "precision[LABEL] drop <= 0.05"),
    of_label=True,
    lasting=False,
)
