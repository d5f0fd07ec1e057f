"""Share of the decisions for a label that are right."""

from benchmarks.gates.metrics._decisions import label_drop, label_value
from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={
        "value": Form(">=", label_value("precision"), SCORE),
        "drop": drop(label_drop("precision")),
    },
    examples=("precision[LABEL] >= 0.95", "precision[LABEL] drop <= 0.05"),
    of_label=True,
    lasting=False,
)
