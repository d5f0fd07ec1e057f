"""What each library that makes int8 files can be asked for; a search tries what there is."""

from collections.abc import Mapping

from edgepress.core.noun import Noun
from export.making.int8.calibration import Method


class Quantizer(Noun):
    """One library, as far as a search has to know it."""

    methods: tuple[Method, ...]
    """Ways to take the ranges of activations, in the order in which they are tried."""
    first: Method
    """Its best-known way, from which a search starts where the user has not named another."""
    shares_ranges: bool
    """Whether it can give what meets in a concatenation one range."""
    bias_correction: str
    """What `Setting.bias_corrected` does, in words."""
    keeps_ranges: bool
    """Whether ranges are taken once for all settings; else each file reads the images again."""


QUANTIZERS: Mapping[str, Quantizer] = {
    "onnxruntime": Quantizer(
        methods=("minmax", "percentile", "entropy", "moving_average"),
        first="minmax",
        shares_ranges=True,
        bias_correction="bias correction",
        keeps_ranges=True,
    ),
    "nncf": Quantizer(
        methods=("moving_average", "minmax", "percentile"),
        first="moving_average",
        shares_ranges=False,
        bias_correction="bias correction layer by layer instead of all at once",
        keeps_ranges=False,
    ),
}
"""By the name that a target has for it."""
