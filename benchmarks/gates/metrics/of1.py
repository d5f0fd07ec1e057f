"""F1 of all decisions together, each at its label's threshold (OF1)."""

from benchmarks.gates.metrics._decisions import mean_f1
from benchmarks.gates.metrics._metric import Metric
from benchmarks.statistics.changed_decisions import Decisions

METRIC = Metric(
    about="findings",
    needs="accuracy",
    forms=mean_f1("OF1", Decisions.pooled),
    examples=("of1 >= 0.8", "of1 drop <= 0.01"),
    lasting=False,
)
