"""The command that makes the page again, the data and the machine."""

from markupsafe import Markup

from benchmarks.errors.schema import ErrorReport
from benchmarks.report.sections.reproduce import facts

TITLE = "How this was made"
ORDER = 90


def render(report: ErrorReport) -> str:
    """Return the command and what it was run on."""
    model = {"path": report.path, "kind": report.kind, "precision": report.precision}
    return Markup(
        '<pre class="command" tabindex="0"><code>{}</code></pre><div class="grid wide">'
        '<div class="card"><h3>Model and data</h3>{}</div>'
        '<div class="card"><h3>Machine and software</h3>{}</div></div>'
    ).format(report.command, facts({**model, **report.data}), facts(report.environment))
