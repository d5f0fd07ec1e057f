"""Share of the images with a label that the decisions find."""

from benchmarks.gates.metrics._decisions import of_label
from benchmarks.gates.metrics._metric import Metric

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms=of_label("recall"),
    examples=("recall[LABEL] >= 0.95", "recall[LABEL] drop <= 0.05"),
    of_label=True,
    lasting=False,
)
