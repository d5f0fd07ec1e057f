"""Where the numbers come from: data, machine, noise, and the command that makes them again."""

from typing import Any

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing
from benchmarks.report.schema import Report

TITLE = "How this was measured"
ORDER = 80

_CERTIFIABLE = "smallest_certifiable_drop"
_NAMES = {
    _CERTIFIABLE: "smallest drop that can be certified",
    "n_test": "test images",
    "label_names": "labels",
    "cpu": "CPU",
    "cpu_flags": "CPU flags",
    "dirty": "uncommitted changes",
}


def render(report: Report) -> str:
    """Return the command, the data, the machine and the reference against itself."""
    return Markup(
        '<h3>Command</h3><pre tabindex="0"><code>{}</code></pre>'
        '<div class="grid wide"><div class="card"><h3>Data</h3>{}</div>'
        '<div class="card"><h3>Machine and software</h3>{}</div></div>'
        "<h3>What this machine can tell apart</h3>{}"
    ).format(report.command, _facts(report.data), _facts(report.environment), _noise(report))


def _facts(values: dict[str, Any]) -> Markup:
    if not values:
        return missing("Not recorded.")
    rows = (
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
            _NAMES.get(key, key.replace("_", " ")), _value(key, value)
        )
        for key, value in values.items()
    )
    return Markup('<dl class="facts">{}</dl>').format(Markup("").join(rows))


def _value(key: str, value: Any) -> str:
    if key == _CERTIFIABLE and isinstance(value, float):
        return f"{fmt.drop(value)} points of mAP"
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
