"""What each model keeps, and what the gates found."""

from benchmarks.report import format as fmt
from benchmarks.report.page import Values
from benchmarks.robustness.schema import ModelRobustness, RobustnessReport

TITLE = "Overview"
ORDER = 0


def values(report: RobustnessReport) -> Values:
    """Return mAP on corrupted images of every model."""
    return {
        "figures": [
            (model.name, fmt.score(model.all.mean), _told(model, first=place == 0))
            for place, model in enumerate(report.models)
        ]
    }


def _told(model: ModelRobustness, first: bool) -> str:
    told = f"mAP on corrupted images; {fmt.score(model.clean.value)} on clean ones"
    if first:
        return told
    drop, beyond = (fmt.drop(one.value) for one in (model.all.drop, model.all.beyond))
    return f"{told}. Of the drop of {drop} points, {beyond} are beyond that on clean images."
