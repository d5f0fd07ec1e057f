"""Share of random orders of the images whose mAP is as high as the candidate's."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import Form, Metric, Unit, percent
from benchmarks.statistics.chance import as_good, random_maps
from edgepress.core.gates import Gate


def find(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the share of random orders whose mAP is as high as the candidate's."""
    result = evidence.candidate.evaluation
    maps = None if result is None else random_maps(result)
    if maps is None:
        return None
    own, others = float(maps[0]), maps[1:]
    share = as_good(maps)
    reason = (
        f"{100 * share:.2g}% of {len(maps)} orders of the images, all but this one random, have an "
        f"mAP of {100 * own:.2f}% or more; chance has {100 * others.mean():.2f}%"
    )
    return Finding(share, (share, min(1.0, share * evidence.among)), None, reason)


METRIC = Metric(
    about="confidence",
    needs="accuracy",
    forms={"value": Form("<=", find, Unit("plain", percent, {"%": 1e-2}))},
    examples=("chance <= 0.01",),
)
