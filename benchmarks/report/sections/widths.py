"""What pruning took from each layer, and what the network loses if that layer alone is narrower."""

from dataclasses import dataclass, replace

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, shaded_by
from benchmarks.report.figure import Mark, colour
from benchmarks.report.page import Values
from benchmarks.report.schema import ModelEntry, Report, WidthEntry
from edgepress.core.pruning import (
    Cut,
    LayerSensitivity,
    Pruning,
    RemovedBlocks,
    Sensitivity,
    Sparsity,
)

TITLE = "What was pruned"
ORDER = 63
_WIDE, _HIGH, _PAD = 104, 28, 3
"""Of a curve, pixels."""
_STEEP = 0.01
"""What is lost at the foot of a curve at least: less is mostly chance."""
_METRICS = {"map": "mAP", "loss": "loss"}


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
class Layer:
    """A row of the table."""

    name: str
    about: str
    """How many layers go with it."""
    channels: str
    kept: str
    marks: tuple[Mark, ...]
    lost: Cell | None = None
    """Without half of this layer's channels; `None` where that was not scanned."""
    curve: Curve | None = None


def shown(report: Report) -> bool:
    """Tell whether any model was pruned."""
    return any(map(_gone, report.models))


def values(report: Report) -> Values:
    """Return what went of each model; what is made from a pruned one is as wide, and left out."""
    if not shown(report):
        return "No model of this report was pruned."
    gone = [_gone(model) for model in report.models]
    places = [place for place, what in enumerate(gone) if what and what not in gone[:place]]
    return {
        "width": _WIDE,
        "height": _HIGH,
        "pruned": [(place, _scan(model), _remarks(model), _layers(model, place))
                   for place in places for model in (report.models[place],)],
    }  # fmt: skip


def _gone(model: ModelEntry) -> object:
    """Return what names the pruning of a model."""
    return model.widths or (model.pruning and model.pruning.blocks)


def _scan(model: ModelEntry) -> Sensitivity | None:
    return model.pruning.sensitivity if model.pruning else None


def _remarks(model: ModelEntry) -> list[str]:
    """Return what else went, in sentences."""
    found = model.pruning or Pruning()
    blocks, zeros = found.blocks, found.sparsity
    return ([_blocks(blocks)] if blocks else []) + ([_zeros(zeros)] if zeros else [])


def _blocks(found: RemovedBlocks) -> str:
    each = ", ".join(f"{block.name} ({fmt.score(block.score)})" for block in found.blocks)
    return (
        f"Residual blocks taken out whole, and the {_METRICS[found.metric]} without them and those "
        f"before: {each}; with all blocks {fmt.score(found.whole)}. On {found.images} validation "
        "images, untrained."
    )


def _zeros(found: Sparsity) -> str:
    compressed = fmt.size(found.compressed_bytes), fmt.size(found.dense_compressed_bytes)
    speed = "It was not timed."
    if found.speedup is not None:
        ends = fmt.interval(found.speedup_ci95, fmt.ratio)
        speed = f"It is {fmt.ratio(found.speedup)} as fast ({ends}; {found.runtime})."
    return (
        f"Zeros ({found.pattern}) in {found.layers} layers, {fmt.percent(found.zeros)} of all "
        f"weights, against the same network without them: the ONNX file takes {compressed[0]} "
        f"compressed ({found.compressor}) instead of {compressed[1]}, and {fmt.size(found.bytes)} "
        f"as it is. {speed}"
    )


def _layers(model: ModelEntry, place: int) -> list[Layer]:
    """Return a row for each layer that was scanned or narrowed."""
    scan = _scan(model)
    if scan is None:
        return [_row(entry, place) for entry in model.widths]
    halves = [scan.lost(_half(one)) for one in scan.layers if one.cuts]
    steep = max([_STEEP, *(scan.lost(c) for one in scan.layers for c in one.cuts)])
    scale = _Scale(steep, max([_STEEP, *halves]))
    rows, left = [], list(model.widths)
    for one in scan.layers:
        names = (one.name, *one.coupled)
        whole = WidthEntry(layer=one.name, before=one.channels, after=one.channels)
        entry = next((entry for entry in left if entry.layer in names), whole)
        left = [other for other in left if other is not entry]
        rows.append(_scanned(_row(entry, place), one, entry.after, scan, scale))
    return rows + [_row(entry, place) for entry in left]


def _row(entry: WidthEntry, place: int) -> Layer:
    share = entry.after / entry.before
    marks = (Mark("bar", width=100 * share, colour=colour(place)),)
    channels = f"{entry.before} → {entry.after}"
    return Layer(entry.layer, "", channels, fmt.percent(share), marks)


def _scanned(
    row: Layer, one: LayerSensitivity, after: int, scan: Sensitivity, scale: _Scale
) -> Layer:
    """Return a row with what the scan says of its layer."""
    row = replace(row, name=one.name)
    if not one.cuts:
        return row
    half = _half(one)
    lost = Cell(_number(scan, half), f"{half.channels} left", value=scan.lost(half))
    return replace(
        row,
        about=f"and {len(one.coupled)} with it" if one.coupled else "",
        lost=shaded_by(lost, scan.lost(half) / scale.half),
        curve=_curve(one, after, scan, scale.most),
    )


def _half(one: LayerSensitivity) -> Cut:
    return min(one.cuts, key=lambda cut: abs(cut.channels / one.channels - 0.5))


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
        says=", ".join(f"{cut.channels} left: {_number(scan, cut)} lost" for cut in one.cuts),
    )


def _number(scan: Sensitivity, cut: Cut) -> str:
    lost = scan.lost(cut)
    return fmt.drop(lost) if scan.metric == "map" else fmt.plain(lost)
