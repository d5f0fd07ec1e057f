"""Average precision of one label."""

from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop
from benchmarks.gates.metrics._ranking import lost, reached

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={"value": Form(">=", reached, SCORE), "drop": drop(lost)},
    examples=("ap[LABEL] >= 0.8", "ap[LABEL] drop <= 0.05"),
    of_label=True,
    over_folds=True,
)
