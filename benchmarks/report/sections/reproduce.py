"""Where the numbers come from: data, machine, noise, and the command that makes them again."""

from typing import Any

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
from benchmarks.report.facts import facts
from benchmarks.report.page import Values
from benchmarks.report.schema import Report, SpeedupEntry

TITLE = "How this was measured"
ORDER = 80


def values(report: Report) -> Values:
    """Return the command, the data, the machine and the reference against itself."""
    return {
        "command": _command(report),
        "facts_of": {
            "Data": facts(_with_prevalence(report.data)),
            "Machine and software": facts(report.environment),
        },
        "noise": [_noise(name, entry) for name, entry in report.aa.items()],
    }


def _command(report: Report) -> str:
    """Return what to type in a clone: the commit, if it says all, and the command."""
    commit = report.environment.get("commit")
    if not commit or report.environment.get("dirty"):
        return report.command
    return f"git checkout {commit}\n{report.command}"


def _with_prevalence(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with the name of its label beside each prevalence."""
    names, shares = data.get("label_names"), data.get("prevalence")
    if not isinstance(names, (list, tuple)) or not isinstance(shares, (list, tuple)):
        return data
    if len(names) != len(shares):
        return data
    told = {str(name): fmt.percent(share) for name, share in zip(names, shares, strict=True)}
    return {**data, "prevalence": told}


def _noise(name: str, entry: SpeedupEntry) -> Row:
    noise = max(abs(end - 1) for end in entry.ci95)
    told = (fmt.ratio(entry.ratio), fmt.interval(entry.ci95, fmt.ratio), f"{100 * noise:.1f}%")
    return Row(tuple(map(Cell, told)), name=fmt.setting(name))
