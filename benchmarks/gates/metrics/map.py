"""Mean average precision over the labels (mAP)."""

from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop
from benchmarks.gates.metrics._ranking import lost, reached

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={"value": Form(">=", reached, SCORE), "drop": drop(lost)},
    examples=("map >= 0.8", "map drop <= 0.01"),
    over_folds=True,
)
