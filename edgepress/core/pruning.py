"""What is known of a pruning beside what went: the worth of layers and blocks, and of zeros."""

from typing import Literal

from edgepress.core.noun import Noun

Metric = Literal["map", "loss"]
"""mAP, or the labels' binary cross-entropy where no label has a positive and a negative image."""


class Cut(Noun):
    """A layer without its least important channels, all other layers as they are."""

    channels: int
    """That are left."""
    score: float


class LayerSensitivity(Noun):
    """How the score depends on the width of a layer, and of those that go with it."""

    name: str
    coupled: tuple[str, ...] = ()
    """Other layers that lose the same channels, such as the depthwise one behind."""
    channels: int
    """Before."""
    cuts: tuple[Cut, ...]
    """The widest first; empty where the layer is as narrow as it may be."""


class Sensitivity(Noun):
    """A scan of a network without training; batch norms keep the statistics of the whole one."""

    metric: Metric
    images: int
    """Of the validation part that it was measured on."""
    whole: float
    """Score of the whole network on them."""
    layers: tuple[LayerSensitivity, ...]
    """In the order of the network."""

    def lost(self, cut: Cut) -> float:
        """Return how much worse a cut makes the score; negative is better.

        >>> scan = Sensitivity(metric="map", images=9, whole=0.75, layers=())
        >>> scan.lost(Cut(channels=8, score=0.5))
        0.25
        """
        change = self.whole - cut.score
        return change if self.metric == "map" else -change


class RemovedBlock(Noun):
    """A residual block that was taken out whole."""

    name: str
    score: float
    """Of the network without this block and those before it, before any training."""


class RemovedBlocks(Noun):
    """Residual blocks that were taken out, in order."""

    metric: Metric
    images: int
    """Of the validation part that the scores are of."""
    whole: float
    """Score of the network with all of its blocks."""
    blocks: tuple[RemovedBlock, ...]


class Sparsity(Noun):
    """Zeros among the weights, and what they save, against the same network without them."""

    pattern: str
    """`2:4`, or the share of zeros in each layer that has some."""
    layers: int
    """That have zeros."""
    zeros: float
    """Share of all learnt values of the network."""
    bytes: int
    """Of the ONNX file as it is, in float: zeros take as much as other weights."""
    compressor: str
    compressed_bytes: int
    """Of the same file, compressed."""
    dense_compressed_bytes: int
    """Of that of the network without these zeros."""
    runtime: str
    speedup: float | None
    """How many times as fast as that one, measured in turn; `None` where it was not timed."""
    speedup_ci95: tuple[float, float] | None


class Pruning(Noun):
    """What is known of a pruned model beside its history."""

    sensitivity: Sensitivity | None = None
    """Of the model that was pruned; `None` where none was asked for."""
    blocks: RemovedBlocks | None = None
    """`None` where none was taken out."""
    sparsity: Sparsity | None = None
    """`None` where no zeros were asked for."""
