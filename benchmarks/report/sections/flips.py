"""The images on which a model decides differently from the first one."""

from benchmarks.report import format as fmt
from benchmarks.report.page import Values
from benchmarks.report.schema import AgreementEntry, Report
from benchmarks.report.summary import candidate

TITLE = "Changed decisions"
ORDER = 55


def values(report: Report) -> Values:
    """Return, for each model, how often it agrees with the first one and where it does not."""
    chosen = candidate(report)
    compared = [
        (place, _told(model.agreement), _shown(model.agreement), model is chosen)
        for place, model in enumerate(report.models)
        if model.agreement
    ]
    if not compared:
        return "No model was compared with the first one image by image."
    return {"compared": compared}


def _told(found: AgreementEntry) -> str:
    ends = fmt.interval(found.ci95, fmt.percent)
    told = f"{fmt.percent(found.share)} of decisions agree (95% interval {ends}); "
    if not found.n_flips:
        return told + "none changed"
    return told + (
        f"{found.n_flips} changed: {found.n_now_wrong} now wrong, {found.n_now_right} now right"
    )


def _shown(found: AgreementEntry) -> str:
    if len(found.flips) == found.n_flips:
        return "All of them:" if found.flips else "There is nothing to show."
    return f"The {len(found.flips)} with the largest change of probability:"
