"""The command that makes the page again, the models, the data and the machine."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.sections.reproduce import facts
from benchmarks.robustness.schema import ModelRobustness, RobustnessReport

TITLE = "How this was made"
ORDER = 90


def render(report: RobustnessReport) -> str:
    """Return the command and what it was run on."""
    models = {model.name: _described(model) for model in report.models}
    return Markup(
        '<pre class="command" tabindex="0"><code>{}</code></pre><div class="grid wide">'
        '<div class="card"><h3>Models and data</h3>{}</div>'
        '<div class="card"><h3>Machine and software</h3>{}</div></div>'
    ).format(report.command, facts({**models, **report.data}), facts(report.environment))


def _described(model: ModelRobustness) -> str:
    height, width = model.input
    size = fmt.size(model.size_bytes)
    return f"{model.path}, {model.kind}, {model.precision}, {height} x {width} pixels, {size}"
