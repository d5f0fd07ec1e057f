"""What pruning took, as both reports show it: blocks, zeros, and the channels of each layer."""

from dataclasses import dataclass

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
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
ABOUT = (
    "How many channels pruning has left of each layer; the record names one of the layers that "
    "lose the same channels."
)
METRICS = {"map": "mAP", "loss": "loss"}


@dataclass(frozen=True)
class Layer:
    """A layer that was scanned or narrowed."""

    name: str
    before: int
    after: int
    scanned: LayerSensitivity | None = None
    """What the scan says of it; `None` where it was not scanned."""

    @property
    def about(self) -> str:
        """How many layers go with it, where any do."""
        one = self.scanned
        return f"and {len(one.coupled)} with it" if one and one.cuts and one.coupled else ""

    @property
    def channels(self) -> str:
        """Before and after."""
        return f"{self.before} → {self.after}"

    @property
    def kept(self) -> str:
        """The share of its channels that is left."""
        return fmt.percent(self.after / self.before)


def places(report: Report) -> list[int]:
    """Return which models were pruned; what is made from one is as wide, and left out."""
    gone = [_gone(model) for model in report.models]
    return [place for place, what in enumerate(gone) if what and what not in gone[:place]]


def _gone(model: ModelEntry) -> object:
    """Return what names the pruning of a model."""
    return model.widths or (model.pruning and model.pruning.blocks)


def scan_of(model: ModelEntry) -> Sensitivity | None:
    """Return what was looked at before the pruning."""
    return model.pruning.sensitivity if model.pruning else None


def scanned(model: ModelEntry) -> str:
    """Say what the scan is of; its network has all channels, but not the blocks that are gone."""
    scan = scan_of(model)
    if scan is None:
        return "its layers were not scanned."
    without = ", without the blocks that were taken out" if _record(model).blocks else ""
    return (
        "what it would lose if one layer alone were narrower, by its least important channels, on "
        f"{scan.images} validation images and without training ({METRICS[scan.metric]} with all "
        f"channels{without}: {fmt.score(scan.whole)})."
    )


def remarks(model: ModelEntry) -> list[str]:
    """Return what else went, in sentences."""
    blocks, zeros = _record(model).blocks, _record(model).sparsity
    return ([_blocks(blocks)] if blocks else []) + ([_zeros(zeros)] if zeros else [])


def _record(model: ModelEntry) -> Pruning:
    return model.pruning or Pruning()


def _blocks(found: RemovedBlocks) -> str:
    each = ", ".join(f"{block.name} ({fmt.score(block.score)})" for block in found.blocks)
    return (
        f"Residual blocks taken out whole, and the {METRICS[found.metric]} without them and those "
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


def layers(model: ModelEntry) -> list[Layer]:
    """Return each layer that was scanned or narrowed."""
    scan, found, left = scan_of(model), [], list(model.widths)
    for one in scan.layers if scan else ():
        names = (one.name, *one.coupled)
        whole = WidthEntry(layer=one.name, before=one.channels, after=one.channels)
        entry = next((entry for entry in left if entry.layer in names), whole)
        left = [other for other in left if other is not entry]
        found.append(Layer(one.name, entry.before, entry.after, one))
    return found + [Layer(one.layer, one.before, one.after) for one in left]


def half(one: LayerSensitivity) -> Cut:
    """Return the cut of a layer that leaves half of its channels, or nearly."""
    return min(one.cuts, key=lambda cut: abs(cut.channels / one.channels - 0.5))


def lost(scan: Sensitivity, one: LayerSensitivity) -> Cell:
    """Return what is lost without half of a layer's channels."""
    return Cell(number(scan, half(one)), f"{half(one).channels} left", value=scan.lost(half(one)))


def number(scan: Sensitivity, cut: Cut) -> str:
    """Return what is lost by a cut: points of mAP, or loss."""
    return fmt.drop(scan.lost(cut)) if scan.metric == "map" else fmt.plain(scan.lost(cut))


def header(scan: Sensitivity | None) -> tuple[str, ...]:
    """Return the titles of the table of a model's layers."""
    titles = ("Layer", "Channels, before → after", "Kept")
    if scan is None:
        return titles
    unit = "points of mAP" if scan.metric == "map" else "loss"
    return (*titles, f"Lost without half, {unit}, this layer alone")


def rows(model: ModelEntry) -> list[Row]:
    """Return a row for each layer, with a cell for each further title of `header`."""
    scan = scan_of(model)
    return [_row(layer, scan) for layer in layers(model)]


def _row(layer: Layer, scan: Sensitivity | None) -> Row:
    cells = [Cell(layer.channels), Cell(layer.kept)]
    if scan:
        one = layer.scanned
        cells.append(lost(scan, one) if one and one.cuts else Cell(fmt.UNDEFINED))
    return Row(tuple(cells), name=f"{layer.name} {layer.about}".strip())
