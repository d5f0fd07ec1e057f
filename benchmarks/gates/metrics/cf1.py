"""Mean of the labels' F1, each at its threshold (CF1)."""

from benchmarks.gates.metrics._decisions import mean_drop, mean_value
from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop
from benchmarks.statistics.changed_decisions import Decisions

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={
        "value": Form(">=", mean_value("CF1", Decisions.with_both_classes), SCORE),
        "drop": drop(mean_drop("CF1", Decisions.with_both_classes)),
    },
    examples=("cf1 >= 0.8", "cf1 drop <= 0.01"),
    lasting=False,
)
