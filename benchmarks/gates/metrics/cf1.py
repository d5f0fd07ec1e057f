"""Mean of the labels' F1, each at its threshold (CF1)."""

from benchmarks.gates.metrics._decisions import mean_f1
from benchmarks.gates.metrics._metric import Metric
from benchmarks.statistics.changed_decisions import Decisions

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms=mean_f1("CF1", Decisions.with_both_classes),
    examples=("cf1 >= 0.8", "cf1 drop <= 0.01"),
    lasting=False,
)
