"""Share of the time that an int8 file spends in float nodes and in conversions."""

from benchmarks.gates.evidence import Subject
from benchmarks.gates.metrics._counted import at_most
from benchmarks.gates.metrics._metric import Metric, Unit


def read(model: Subject) -> float | None:
    """Return it as the profile of the file's audit has it."""
    shares = model.artifact.manifest.measurements.time_shares
    return None if shares is None else shares.not_integer


METRIC = Metric(
    about="cost",
    needs="integers",
    forms={
        "value": at_most(
            read,
            Unit("plain", written={"%": 1e-2}),
            " (share of the time in float nodes and in conversions)",
        )
    },
    examples=("float_time <= 20%",),
)
