"""Share of the images with a label that the decisions find."""

from benchmarks.gates.metrics._decisions import label_drop, label_value
from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={
        "value": Form(">=", label_value("recall"), SCORE),
        "drop": drop(label_drop("recall")),
    },
    examples=("recall[LABEL] >= 0.95", "recall[LABEL] drop <= 0.05"),
    of_label=True,
    lasting=False,
)
