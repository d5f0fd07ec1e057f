"""What really runs in int8, counted in the graph that the runtime executes."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, missing, model_name
from benchmarks.report.schema import ConvsEntry, ModelEntry, Report

TITLE = "Int8 audit"
ORDER = 65


def render(report: Report) -> str:
    """Return, for each int8 model, how many convolutions are integer ones, and the remarks."""
    groups = [
        _group(report, place, model.int8_convs)
        for place, model in enumerate(report.models)
        if model.int8_convs or model.precision == "int8"
    ]
    if not groups:
        return missing("No model of this report is in int8.")
    return Markup(
        '<p class="lead">An int8 file may still compute in float. Counted here are the integer '
        "convolutions in the graph that the runtime executes, after its own fusions.</p>{}"
    ).format(Markup("").join(groups))


def _group(report: Report, place: int, convs: ConvsEntry | None) -> Markup:
    model = report.models[place]
    notes = Markup("").join(Markup('<p class="note">{}</p>').format(x) for x in model.notes)
    return Markup(
        '<div class="card audit" data-place="{}"><h3>{} <span>{}</span></h3>{}{}{}</div>'
    ).format(
        place,
        model_name(report, place),
        _told(convs),
        _bar(convs, place) if convs else "",
        _times(model),
        notes,
    )


def _times(model: ModelEntry) -> Markup:
    """Return where the time goes, in words; nothing where it was not measured."""
    shares = model.time_shares
    if shares is None:
        return Markup("")
    floats = ", ".join(f"{name} {fmt.percent(share)}" for name, share in shares.floats.items())
    return Markup(
        '<p class="times">Of its time: integer kernels {}, conversions {}{}, moving values {}, '
        "nodes in float {}{}.</p>"
    ).format(
        fmt.percent(shares.integer),
        fmt.percent(shares.conversions),
        "" if model.qdq_nodes is None else f" ({model.qdq_nodes} nodes)",
        fmt.percent(shares.layout),
        fmt.percent(sum(shares.floats.values())),
        f" ({floats})" if floats else "",
    )


def _told(convs: ConvsEntry | None) -> str:
    if convs is None:
        return f"integer convolutions: {fmt.NOT_MEASURED}"
    told = f"{convs.fused} of {convs.total} convolutions run in int8"
    if convs.kept_float is None:
        return told
    left = convs.total - convs.fused - convs.kept_float
    told += f", {convs.kept_float} float on purpose"
    return told + (f", {left} float against the plan" if left > 0 else "")


def _bar(convs: ConvsEntry, place: int) -> Markup:
    if not convs.total:
        return Markup("")
    share = 100 / convs.total
    kept = convs.kept_float or 0
    return Markup(
        '<span class="track" aria-hidden="true"><i class="bar" style="width:{:.2f}%;background:{}">'
        '</i><i class="delta kept" style="left:{:.2f}%;width:{:.2f}%"></i></span>'
    ).format(convs.fused * share, colour(place), convs.fused * share, kept * share)
