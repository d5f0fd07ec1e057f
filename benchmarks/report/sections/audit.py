"""What really runs in int8, counted in the graph that the runtime executes."""

from benchmarks.report import format as fmt
from benchmarks.report.figure import Mark, colour
from benchmarks.report.page import Values
from benchmarks.report.schema import ConvsEntry, Report

TITLE = "Int8 audit"
ORDER = 65


def values(report: Report) -> Values:
    """Return, for each int8 model, how many convolutions are integer ones."""
    audited = [
        (place, _told(model.int8_convs), _marks(model.int8_convs, place))
        for place, model in enumerate(report.models)
        if model.int8_convs or model.precision == "int8"
    ]
    return {"audited": audited} if audited else "No model of this report is in int8."


def _told(convs: ConvsEntry | None) -> str:
    if convs is None:
        return f"integer convolutions: {fmt.NOT_MEASURED}"
    told = f"{convs.fused} of {convs.total} convolutions run in int8"
    if convs.kept_float is None:
        return told
    left = convs.total - convs.fused - convs.kept_float
    told += f", {convs.kept_float} float on purpose"
    return told + (f", {left} float against the plan" if left > 0 else "")


def _marks(convs: ConvsEntry | None, place: int) -> tuple[Mark, ...]:
    if convs is None or not convs.total:
        return ()
    fused, kept = (100 * n / convs.total for n in (convs.fused, convs.kept_float or 0))
    return Mark("bar", width=fused, colour=colour(place)), Mark("delta kept", kept, fused)
