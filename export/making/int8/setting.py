"""One way to quantize a graph: what is calibrated how, and what stays float."""

from __future__ import annotations

from edgepress.core.noun import Noun
from export.making.int8.calibration import Method

STEM = "it reads the image: there 8 bits cost accuracy, not time"
BEFORE = "it makes the image ready for the first layer: there 8 bits cost accuracy, not time"
CLIPS = "its bounds leave out 0, which a range of integers always holds: only a node can clip so"
INNER = "a branch or a loop reads what it makes, where no range stands in for it"
TAIL = "it makes the output: there 8 bits cost accuracy, not time"


class Setting(Noun):
    """How a prepared graph is quantized; what is not named here is the target's."""

    method: Method = "minmax"
    """How the ranges of activations are taken."""
    equalized: bool = False
    """Whether the ranges of neighbouring convolutions are balanced first."""
    shared_ranges: bool = False
    """Whether tensors that meet in a concatenation have one range, so that it only copies."""
    bias_corrected: bool = False
    """Whether biases take back what rounded weights shift."""
    kept_float: dict[str, str]
    """Names of the nodes that stay float on purpose, with the reason."""

    def keeping(self, nodes: dict[str, str]) -> Setting:
        """Return the setting with more nodes in float."""
        return self.model_copy(update={"kept_float": {**nodes, **self.kept_float}})
