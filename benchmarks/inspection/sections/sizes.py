"""The most frequent sizes, and a grid of all of them where they are many."""

from benchmarks.inspection.schema import DataReport, SizeCount
from benchmarks.report import format as fmt
from benchmarks.report.cells import Row, shaded
from benchmarks.report.figure import Bar, Mark
from benchmarks.report.page import Values

TITLE = "Image sizes"
ORDER = 30

MOST_SIZES = 10


def values(report: DataReport) -> Values:
    """Return a bar for each size, and the grid."""
    if not report.n_images:
        return "There is no image."
    widths, rows = _grid(report.size_grid) if report.n_sizes > MOST_SIZES else ([], [])
    return {
        "bars": [_bar(size, report.n_images) for size in report.sizes[:MOST_SIZES]],
        "widths": widths,
        "rows": rows,
    }


def _bar(size: SizeCount, images: int) -> Bar:
    share = size.images / images
    mark = Mark("bar", 100 * share, colour="var(--m1)")
    name = f"{size.width} × {size.height}"
    return Bar(fmt.percent(share), f"{size.images:,} images", (mark,), name=name)


def _grid(found: tuple[SizeCount, ...]) -> tuple[list[str], list[Row]]:
    """Return the widths, and for each height how many images have them."""
    widths = sorted({size.width for size in found})
    counts = {(size.width, size.height): size.images for size in found}
    largest = max(counts.values())
    rows = []
    for height in sorted({size.height for size in found}):
        row = (counts.get((width, height), 0) for width in widths)
        cells = tuple(shaded(count, count / largest) for count in row)
        rows.append(Row(cells, name=_range(height)))
    return [*map(_range, widths)], rows


def _range(low: int) -> str:
    return f"{low}–{2 * low - 1}" if low > 1 else "1"
