"""Where the numbers come from: data, machine, noise, and the command that makes them again."""

from typing import Any

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing, model_name
from benchmarks.report.schema import Report

TITLE = "How this was measured"
ORDER = 80

_CERTIFIABLE = "smallest_certifiable_drop"
_NAMES = {
    _CERTIFIABLE: "smallest drop that can be certified",
    "n_images": "images",
    "n_test": "test images",
    "label_names": "labels",
    "cpu": "CPU",
    "cpu_kind": "CPU kind",
    "cpu_instructions": "CPU instructions for int8",
    "cpus": "bound to CPU",
    "cpu_flags": "CPU flags",
    "cpu_pressure_avg10_percent": "CPU pressure (10 s)",
    "dirty": "uncommitted changes",
}


def render(report: Report) -> str:
    """Return the commands, the data, the machine and the reference against itself."""
    return Markup(
        '<h3>This report</h3><pre class="command" tabindex="0"><code>{}</code></pre>{}'
        '<div class="grid wide"><div class="card"><h3>Data</h3>{}</div>'
        '<div class="card"><h3>Machine and software</h3>{}</div></div>'
        "<h3>What this machine can tell apart</h3>{}"
    ).format(
        _command(report),
        _models(report),
        facts(_with_prevalence(report.data)),
        facts(report.environment),
        _noise(report),
    )


def _command(report: Report) -> str:
    """Return what to type in a clone: the commit, if it says all, and the command."""
    commit = report.environment.get("commit")
    if not commit or report.environment.get("dirty"):
        return report.command
    return f"git checkout {commit}\n{report.command}"


def _models(report: Report) -> Markup:
    """Return the command that makes each model again."""
    rows = Markup("").join(
        Markup(
            '<div data-place="{}"><dt>{}</dt><dd><pre tabindex="0"><code>{}</code></pre></dd></div>'
        ).format(place, model_name(report, place), model.made_by)
        for place, model in enumerate(report.models)
        if model.made_by
    )
    if not rows:
        return Markup("")
    return Markup(
        '<details class="card commands"><summary>How each model was made</summary><dl>{}</dl>'
        "</details>"
    ).format(rows)


def _with_prevalence(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with the name of its label beside each prevalence."""
    names, shares = data.get("label_names"), data.get("prevalence")
    if not isinstance(names, (list, tuple)) or not isinstance(shares, (list, tuple)):
        return data
    if len(names) != len(shares):
        return data
    told = {str(name): fmt.percent(share) for name, share in zip(names, shares, strict=True)}
    return {**data, "prevalence": told}


def facts(values: dict[str, Any]) -> Markup:
    """Return a list of the values of an open dictionary (environment, data)."""
    if not values:
        return missing("Not recorded.")
    rows = (
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
            _NAMES.get(key, key.removesuffix("_bytes").replace("_", " ")), _value(key, value)
        )
        for key, value in values.items()
    )
    return Markup('<dl class="facts">{}</dl>').format(Markup("").join(rows))


def _value(key: str, value: Any) -> str:
    if key == _CERTIFIABLE and isinstance(value, float):
        return f"{fmt.drop(value)} points of mAP"
    if key.endswith("_bytes") and isinstance(value, (int, float)):
        return fmt.size(value)
    if key.endswith("_percent") and isinstance(value, (int, float)):
        return f"{value:.1f}%"
    return fmt.anything(value)


def _noise(report: Report) -> Markup:
    if not report.aa:
        return missing("The reference was not timed against itself, so the noise is not known.")
    rows = (
        Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>').format(
            fmt.setting(name),
            fmt.ratio(entry.ratio),
            fmt.interval(entry.ci95, fmt.ratio),
            f"{100 * max(abs(end - 1) for end in entry.ci95):.1f}%",
        )
        for name, entry in report.aa.items()
    )
    return Markup(
        '<div class="scroll" role="region" aria-label="Noise of the machine" tabindex="0">'
        '<table class="plain"><caption>The reference timed against itself: a smaller '
        'difference is noise.</caption><thead><tr><th scope="col">Setting</th>'
        '<th scope="col">Ratio</th><th scope="col">95% interval</th>'
        '<th scope="col">Noise</th></tr></thead><tbody>{}</tbody></table></div>'
    ).format(Markup("").join(rows))
