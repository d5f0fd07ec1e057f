"""F1 of all decisions together, each at its label's threshold (OF1)."""

from benchmarks.gates.metrics._decisions import mean_drop, mean_value
from benchmarks.gates.metrics._metric import SCORE, Form, Metric, drop
from benchmarks.statistics.changed_decisions import Decisions

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms={
        "value": Form(">=", mean_value("OF1", Decisions.pooled), SCORE),
        "drop": drop(mean_drop("OF1", Decisions.pooled)),
    },
    examples=("of1 >= 0.8", "of1 drop <= 0.01"),
    lasting=False,
)
