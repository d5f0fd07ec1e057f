"""What pruning took from each layer, and what the network loses if that layer alone is narrower."""

from dataclasses import dataclass

from benchmarks.report import pruned
from benchmarks.report.cells import Cell, shaded_by
from benchmarks.report.figure import Mark, colour
from benchmarks.report.page import Values
from benchmarks.report.schema import ModelEntry, Report
from edgepress.core.pruning import LayerSensitivity, Sensitivity

TITLE = pruned.TITLE
ORDER = 63
_WIDE, _HIGH, _PAD = 104, 28, 3
"""Of a curve, pixels."""
_STEEP = 0.01
"""What is lost at the foot of a curve at least: less is mostly chance."""


@dataclass(frozen=True)
class Curve:
    """What is lost, downwards, over the share of channels that is gone."""

    points: str
    """As SVG has them."""
    zero: float
    """How high nothing is lost."""
    left: float
    """Where the width that pruning has left is."""
    says: str


@dataclass(frozen=True)
class _Scale:
    """What is lost at most without any share of one layer of a model, and without half."""

    most: float
    half: float


@dataclass(frozen=True)
class Drawn:
    """A row of the table."""

    layer: pruned.Layer
    marks: tuple[Mark, ...]
    lost: Cell | None = None
    """Without half of this layer's channels; `None` where that was not scanned."""
    curve: Curve | None = None


def shown(report: Report) -> bool:
    """Tell whether any model was pruned."""
    return bool(pruned.places(report))


def values(report: Report) -> Values:
    """Return what went of each model."""
    if not shown(report):
        return "No model of this report was pruned."
    models = [(place, report.models[place]) for place in pruned.places(report)]
    return {
        "about": pruned.ABOUT,
        "width": _WIDE,
        "height": _HIGH,
        "pruned": [(place, pruned.scan_of(model), pruned.scanned(model), pruned.remarks(model),
                    _layers(model, place)) for place, model in models],
    }  # fmt: skip


def _layers(model: ModelEntry, place: int) -> list[Drawn]:
    """Return a row for each layer that was scanned or narrowed."""
    scan, layers = pruned.scan_of(model), pruned.layers(model)
    scale = _scale(scan) if scan else None
    return [_drawn(layer, place, scan, scale) for layer in layers]


def _scale(scan: Sensitivity) -> _Scale:
    halves = [scan.lost(pruned.half(one)) for one in scan.layers if one.cuts]
    steep = max([_STEEP, *(scan.lost(cut) for one in scan.layers for cut in one.cuts)])
    return _Scale(steep, max([_STEEP, *halves]))


def _drawn(
    layer: pruned.Layer, place: int, scan: Sensitivity | None, scale: _Scale | None
) -> Drawn:
    share = layer.after / layer.before
    marks = (Mark("bar", width=100 * share, colour=colour(place)),)
    one = layer.scanned
    if scan is None or scale is None or one is None or not one.cuts:
        return Drawn(layer, marks)
    shade = scan.lost(pruned.half(one)) / scale.half
    curve = _curve(one, layer.after, scan, scale.most)
    return Drawn(layer, marks, shaded_by(pruned.lost(scan, one), shade), curve)


def _curve(one: LayerSensitivity, after: int, scan: Sensitivity, most: float) -> Curve:
    least = min([0.0, *(scan.lost(cut) for cut in one.cuts)])

    def across(channels: int) -> float:
        return _PAD + (_WIDE - 2 * _PAD) * (1 - channels / one.channels)

    def down(lost: float) -> float:
        return _PAD + (_HIGH - 2 * _PAD) * (lost - least) / (most - least)

    points = [(one.channels, 0.0), *((cut.channels, scan.lost(cut)) for cut in one.cuts)]
    return Curve(
        points=" ".join(f"{across(channels):.1f},{down(lost):.1f}" for channels, lost in points),
        zero=round(down(0.0), 1),
        left=round(across(min(after, one.channels)), 1),
        says=", ".join(f"{cut.channels} left: {pruned.number(scan, cut)} lost" for cut in one.cuts),
    )
