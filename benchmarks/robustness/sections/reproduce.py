"""The command that makes the page again, the models, the data and the machine."""

from benchmarks.report import format as fmt
from benchmarks.report.facts import facts
from benchmarks.report.page import Values
from benchmarks.robustness.schema import ModelRobustness, RobustnessReport

TITLE = "How this was made"
ORDER = 90


def values(report: RobustnessReport) -> Values:
    """Return what the command was run on."""
    models = [(model.name, _described(model)) for model in report.models]
    return {
        "facts_of": {
            "Models and data": [*models, *facts(report.data)],
            "Machine and software": facts(report.environment),
        }
    }


def _described(model: ModelRobustness) -> str:
    height, width = model.input
    size = fmt.size(model.size_bytes)
    return f"{model.path}, {model.kind}, {model.precision}, {height} x {width} pixels, {size}"
