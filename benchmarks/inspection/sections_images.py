"""The sections of the page that show images: copies and suspects, and the files that show none."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from benchmarks.inspection.schema import (
    Copies,
    CopyCounts,
    DataReport,
    Member,
    SearchedLabel,
    Suspect,
)
from benchmarks.inspection.sections import missing

MOST_FILES = 20
MOST_GROUPS = 20
MOST_MEMBERS = 6
MOST_SUSPECTS = 48
MOST_SEARCHED = 100

Pictures = Mapping[str, str]


def shown_files(report: DataReport) -> Iterator[str]:
    """Yield the files whose pictures the page shows."""
    for group in report.duplicates.groups[:MOST_GROUPS]:
        yield from (member.file for member in group.images[:MOST_MEMBERS])
    yield from (suspect.file for suspect in report.suspects.most_suspicious[:MOST_SUSPECTS])


def unreadable(report: DataReport) -> Markup:
    """Return the files that are no usable images, by name."""
    files = report.unreadable
    if not files:
        return missing("Every file can be read.")
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th><td class="words">{}</td></tr>').format(
            file.file, file.reason
        )
        for file in files[:MOST_FILES]
    )
    return Markup(
        '<p class="lead">{:,} of {:,} files.{} Other commands refuse them unless '
        "--skip-bad-images is given.</p>"
        '<div class="scroll" role="region" aria-label="Unreadable files" tabindex="0">'
        '<table class="plain"><thead><tr><th scope="col">File</th><th scope="col" class="words">'
        "Reason</th></tr></thead><tbody>{}</tbody></table></div>"
    ).format(len(files), report.n_rows, _first(len(files), MOST_FILES), rows)


def copies(report: DataReport, pictures: Pictures) -> Markup:
    """Return how many copies there are, and the groups with something wrong first."""
    found = report.duplicates
    if not found.groups:
        return missing("No two images show the same.") + _column(report)
    shown = found.groups[:MOST_GROUPS]
    return (
        Markup('<ul class="facts">{}{}</ul>').format(
            _counts("byte for byte the same", found.exact),
            _counts("nearly the same", found.near),
        )
        + _column(report)
        + Markup('<p class="lead">{}</p>').format(
            "Those with something wrong come first." + _first(len(found.groups), MOST_GROUPS)
        )
        + Markup("").join(_group(group, pictures) for group in shown)
    )


def _column(report: DataReport) -> Markup:
    column = report.duplicates.split_column
    told = (
        f"The data set brings its own split, in the column {column}."
        if column
        else "The data set brings no split of its own; the default one keeps copies together."
    )
    return Markup('<p class="lead">{}</p>').format(told)


def _counts(what: str, counts: CopyCounts) -> Markup:
    told = f"{what}: {counts.images:,} images in {_groups(counts.groups)}"
    if counts.with_different_labels:
        told += f"; {_groups(counts.with_different_labels)} with different labels"
    if counts.across_splits:
        told += f"; {_groups(counts.across_splits)} across the split"
    return Markup("<li>{}</li>").format(told)


def _groups(count: int) -> str:
    return f"{count:,} group" + ("" if count == 1 else "s")


def _group(group: Copies, pictures: Pictures) -> Markup:
    kind = "byte for byte the same" if group.exact else "nearly the same"
    wrong = []
    if group.splits:
        wrong.append(f"in {' and '.join(group.splits)}")
    if group.different_labels:
        wrong.append(f"labels differ: {', '.join(group.different_labels)}")
    badge = Markup('<span class="badge fail">✕ {}</span>')
    return Markup('<div class="card flips"><h3>{:,} images {} {}</h3><ul>{}</ul></div>').format(
        group.n_images,
        kind,
        Markup(" ").join(badge.format(each) for each in wrong),
        Markup("").join(_member(member, pictures) for member in group.images[:MOST_MEMBERS]),
    )


def _member(member: Member, pictures: Pictures) -> Markup:
    labels = ", ".join(member.labels) or "no label"
    part = "" if member.split is None else f"{member.split}: "
    return Markup('<li>{}<b>{}</b><span class="word">{}{}</span></li>').format(
        _thumb(member.file, pictures), member.file, part, labels
    )


def _thumb(file: str, pictures: Pictures) -> Markup:
    source = pictures.get(file)
    picture = Markup('<img src="{}" alt="{}">').format(source, file) if source else Markup("")
    return Markup('<span class="thumb"><span>{}</span>{}</span>').format(file, picture)


def suspects(report: DataReport, pictures: Pictures) -> Markup:
    """Return the most suspicious values, and which labels were looked at."""
    found = report.suspects
    if found.method is None:
        return missing(found.told)
    shown = found.most_suspicious[:MOST_SUSPECTS]
    pages = Markup("").join(_suspect(suspect, pictures) for suspect in shown)
    lead = Markup('<p class="lead">{}</p>').format(found.told)
    gallery = (
        Markup(
            '<div class="card flips"><h3>{:,} values may be wrong, the most suspicious first.{}'
            "</h3><ul>{}</ul></div>"
        ).format(found.n_suspects, _first(found.n_suspects, MOST_SUSPECTS), pages)
        if shown
        else missing("No value is suspicious.")
    )
    return lead + gallery + _searched(found.labels)


def _suspect(suspect: Suspect, pictures: Pictures) -> Markup:
    return Markup(
        '<li class="wrong">{}<b>{}</b><span class="word">says {}, p {:.2f}</span>'
        "<span>{}</span></li>"
    ).format(
        _thumb(suspect.file, pictures),
        suspect.label,
        "yes" if suspect.given else "no",
        suspect.probability,
        suspect.file,
    )


def _searched(labels: tuple[SearchedLabel, ...]) -> Markup:
    rows = Markup("").join(
        Markup(
            '<tr><th scope="row">{}</th><td>{:,}</td><td>{}</td><td class="words">{}</td></tr>'
        ).format(
            label.name,
            label.images,
            "n/a" if label.auc is None else f"{label.auc:.3f}",
            f"{label.suspects:,}"
            if label.suspects is not None
            else f"not searched: {label.why_not}",
        )
        for label in labels[:MOST_SEARCHED]
    )
    return Markup(
        '<div class="scroll" role="region" aria-label="Labels searched" tabindex="0">'
        '<table class="plain"><caption>How well the probabilities tell each label (area under the '
        "ROC curve: 1 is always, 0.5 never), and how many values they speak against. The lower the "
        "AUC, the more of these are the classifier's own errors.{}</caption>"
        '<thead><tr><th scope="col">Label</th><th scope="col">Images</th><th scope="col">AUC</th>'
        '<th scope="col" class="words">Suspects</th></tr></thead><tbody>{}</tbody></table></div>'
    ).format(_first(len(labels), MOST_SEARCHED), rows)


def _first(total: int, shown: int) -> str:
    return f" The first {shown} of {total:,} are shown." if total > shown else ""
