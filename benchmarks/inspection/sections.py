"""The sections of the page that need no pictures: counts, labels, sizes."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from benchmarks.inspection.schema import DataReport, LabelFacts, SizeCount

MOST_LABELS = 100
MOST_TOGETHER = 30
MOST_SIZES = 10
DENSE = 12
"""Labels from which on the heat map is set small."""
DARKEST_PERCENT = 45


def found(report: DataReport) -> Markup:
    """Return what should be looked at, and the counts."""
    kind, headline = (
        ("inconclusive", "Look at this before you train")
        if report.findings
        else ("pass", "Nothing conspicuous was found")
    )
    findings = Markup("").join(Markup("<p>{}</p>").format(each) for each in report.findings)
    return Markup(
        '<div class="banner {}"><p class="headline">{}</p>{}</div><dl class="figures">{}</dl>'
    ).format(kind, headline, findings, Markup("").join(_figures(report)))


def _figures(report: DataReport) -> Iterable[Markup]:
    colour = report.n_images - report.n_grey
    yield _figure("Images", f"{report.n_images:,}", f"{report.n_grey:,} grey, {colour:,} in colour")
    yield _figure("Labels", f"{len(report.labels):,}", f"format {report.format}")
    yield _figure("Labels of an image", _number(report.cardinality), _without(report))
    yield _figure("Unknown values", f"{report.n_unknown:,}", "left out of what is counted below")
    yield _figure("Imbalance (MeanIR)", _number(report.mean_ir), "1 is even")


def _figure(name: str, value: str, remark: str) -> Markup:
    return Markup(
        '<div class="figure"><dt>{}</dt><dd><strong>{}</strong><span>{}</span></dd></div>'
    ).format(name, value, remark)


def _without(report: DataReport) -> str:
    none = report.images_by_labels[0] if report.images_by_labels else 0
    most = len(report.images_by_labels) - 1
    return f"on average (cardinality); {none:,} have none, the most is {max(most, 0)}"


def labels(report: DataReport) -> Markup:
    """Return how often each label occurs."""
    shown = report.labels[:MOST_LABELS]
    half = -(-len(shown) // 2) if len(shown) > 6 else len(shown)
    panels = [part for part in (shown[:half], shown[half:]) if part]
    return Markup(
        '<p class="lead">Share of the images whose value is known. IRLbl: how many times as often '
        "the most frequent label occurs (Charte et al. 2015); marked ▼ where it is above the mean "
        "of {}: a label that is rare here.{}</p>"
        '<div class="grid wide">{}</div>'
    ).format(
        _number(report.mean_ir),
        _more(len(report.labels), len(shown)),
        Markup("").join(_card(panel, report.mean_ir) for panel in panels),
    )


def _card(facts: Sequence[LabelFacts], mean_ir: float | None) -> Markup:
    return Markup(
        '<div class="card"><table class="bars counts"><thead class="unseen"><tr>'
        '<th scope="col">Label</th>'
        '<th scope="col">Share of the images</th></tr></thead><tbody>{}</tbody></table></div>'
    ).format(Markup("").join(_label(label, mean_ir) for label in facts))


def _label(label: LabelFacts, mean_ir: float | None) -> Markup:
    remarks = [f"{label.positives:,} images"]
    if label.ir_lbl is not None:
        rare = mean_ir is not None and label.ir_lbl > mean_ir
        remarks.append(f"{'▼ ' if rare else ''}IRLbl {_number(label.ir_lbl)}")
    if label.unknown:
        remarks.append(f"{label.unknown:,} unknown")
    return bar(label.name, _percent(label.prevalence), ", ".join(remarks), label.prevalence or 0)


def bar(name: str, value: str, remark: str, share: float) -> Markup:
    """Return a row with a name, a value and a bar of this share of the width."""
    return Markup(
        '<tr><th scope="row">{}</th><td><span class="value">{}<small>{}</small></span>'
        '<span class="track" aria-hidden="true"><i class="bar" style="width:{:.2f}%;'
        'background:var(--m1)"></i></span></td></tr>'
    ).format(name, value, remark, 100 * share)


def together(report: DataReport) -> Markup:
    """Return the heat map of labels that are on the same image."""
    names = report.cooccurrence.labels[:MOST_TOGETHER]
    if len(names) < 2:
        return missing("There is one label only.")
    rows = Markup("").join(
        _together_row(name, place, report.cooccurrence.counts[place][: len(names)])
        for place, name in enumerate(names)
    )
    lead = Markup(
        '<p class="lead">Images that have the label of the row and that of the column. The darker, '
        "the larger the share of the row's images; on the diagonal are all of them.{}</p>"
    ).format(_more(len(report.labels), len(names), "most frequent "))
    return lead + heat_map("Label", names, rows)


def _together_row(name: str, place: int, counts: Sequence[int]) -> Markup:
    own = counts[place]
    cells = Markup("").join(
        Markup("<td>{:,}</td>").format(count)
        if column == place
        else cell(count, count / own if own else 0)
        for column, count in enumerate(counts)
    )
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, cells)


def heat_map(corner: str, columns: Sequence[str], rows: Markup) -> Markup:
    """Return a table of coloured cells with these columns."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in columns)
    return Markup(
        '<div class="scroll" role="region" aria-label="{}" tabindex="0">'
        '<table class="plain heat{}"><thead><tr><th scope="col">{}</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(corner, " dense" if len(columns) > DENSE else "", corner, head, rows)


def cell(count: int, share: float) -> Markup:
    """Return a cell, coloured by a share from 0 to 1."""
    if not count:
        return Markup('<td class="missing">0</td>')
    return Markup('<td class="share" style="--heat:{:.0f}%">{:,}</td>').format(
        DARKEST_PERCENT * share, count
    )


def sizes(report: DataReport) -> Markup:
    """Return the most frequent sizes, and a grid of all of them where they are many."""
    if not report.n_images:
        return missing("There is no image.")
    rows = Markup("").join(_size(size, report.n_images) for size in report.sizes[:MOST_SIZES])
    bars = Markup(
        '<div class="card"><table class="bars counts"><thead class="unseen"><tr>'
        '<th scope="col">Size</th>'
        '<th scope="col">Share of the images</th></tr></thead><tbody>{}</tbody></table></div>'
    ).format(rows)
    if report.n_sizes <= MOST_SIZES:
        return bars
    return (
        Markup('<p class="lead">The {} most frequent of {:,} sizes.</p>{}').format(
            MOST_SIZES, report.n_sizes, bars
        )
        + Markup(
            "<h3>All of them</h3>"
            '<p class="lead">Width in the columns, height in the rows, pixels from a power of two '
            "up to the next.</p>"
        )
        + _grid(report)
    )


def _size(size: SizeCount, images: int) -> Markup:
    share = size.images / images
    name = f"{size.width} × {size.height}"
    return bar(name, _percent(share), f"{size.images:,} images", share)


def _grid(report: DataReport) -> Markup:
    widths = sorted({size.width for size in report.size_grid})
    heights = sorted({size.height for size in report.size_grid})
    counts = {(size.width, size.height): size.images for size in report.size_grid}
    largest = max(counts.values())
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            _range(height),
            Markup("").join(
                cell(count, count / largest)
                for count in (counts.get((width, height), 0) for width in widths)
            ),
        )
        for height in heights
    )
    return heat_map("Height \\ width", [_range(width) for width in widths], rows)


def _range(low: int) -> str:
    return f"{low}–{2 * low - 1}" if low > 1 else "1"


def certifiable(report: DataReport) -> Markup:
    """Return the smallest drop of mAP that the test part can certify."""
    return Markup('<p class="note">{}</p>').format(report.certifiable.told)


def missing(message: str) -> Markup:
    """Return the remark that stands where there is nothing to show."""
    return Markup('<p class="missing">{}</p>').format(message)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:,.2f}"


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f}%"


def _more(total: int, shown: int, which: str = "first ") -> str:
    return f" The {which}{shown} of {total:,} labels are shown." if total > shown else ""
