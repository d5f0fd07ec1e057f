"""The images on which a model decides differently from the first one."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import missing, model_name
from benchmarks.report.schema import AgreementEntry, FlipEntry, Report
from benchmarks.report.summary import candidate

TITLE = "Changed decisions"
ORDER = 55


def render(report: Report) -> str:
    """Return, for each model, how often it agrees with the first one and where it does not."""
    groups = [
        _group(report, place, model.agreement)
        for place, model in enumerate(report.models)
        if model.agreement
    ]
    if not groups:
        return missing("No model was compared with the first one image by image.")
    return Markup(
        '<p class="lead">The same accuracy can hide many changed decisions. Each model decides at '
        "its own thresholds, and is compared with {} on the same images.</p>{}"
    ).format(report.models[0].name, Markup("").join(groups))


def _group(report: Report, place: int, found: AgreementEntry) -> Markup:
    is_open = Markup(" open") if report.models[place] is candidate(report) else ""
    flips = Markup("").join(flip_item(flip) for flip in found.flips)
    return Markup(
        '<details class="card flips" data-place="{}"{}><summary>{} <span>{}</span></summary>'
        '<p class="lead">{}</p><ul>{}</ul></details>'
    ).format(place, is_open, model_name(report, place), _told(found), _shown(found), flips)


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


def flip_item(flip: FlipEntry, file: str = "") -> Markup:
    """Return the list item of one changed decision, with the name of the image's file if given."""
    kind, word = _outcome(flip)
    name = Markup('<span class="file">{}</span>').format(file) if file else ""
    return Markup(
        '<li class="{}"><span class="thumb"><span>image {}</span>'
        '<svg viewBox="0 0 96 96" role="img" aria-label="Image {}"><use href="#image-{}"/></svg>'
        '</span><b>{}</b><span>{:.2f} → {:.2f}</span>{}<span class="word">{}</span></li>'
    ).format(
        kind, flip.image_id, flip.image_id, flip.image_id,
        flip.label, flip.before, flip.after, name, word,
    )  # fmt: skip


def _outcome(flip: FlipEntry) -> tuple[str, str]:
    says = "yes" if flip.decided else "no"
    if flip.target is None:
        return "unknown", f"now {says}, truth unknown"
    truth = "yes" if flip.target else "no"
    if flip.decided == flip.target:
        return "right", f"✓ now {says}, truth {truth}"
    return "wrong", f"✕ now {says}, truth {truth}"
