"""Share of the devices of a fleet that drift or are broken."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import SHARE, Form, Metric
from edgepress.core.gates import Gate


def find(_: Gate, __: Evidence) -> Finding | None:
    """Return nothing: it is known to `benchmarks.fleet` alone."""
    return None


METRIC = Metric(
    about="use",
    needs="fleet",
    forms={"value": Form("<=", find, SHARE)},
    examples=("drifting <= 0", "drifting <= 5%"),
)
