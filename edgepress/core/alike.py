"""One table of limits: how far two answers to the same images may be apart and still be the same.

Every check that asks "does this file answer as that one does?" takes its limits here. A limit is
the one of the least that lies between the two: the order of a sum, a kernel, a library, a format.
"""

from dataclasses import dataclass

from edgepress.core.manifest import Precision


@dataclass(frozen=True)
class Limit:
    """What two runs of one network may differ by."""

    probs: float
    """Of a probability; of logits as a share of the largest answer."""
    flipped: float = 1.0
    """Share of decisions, one per image and label."""

    def holds(self, probs: float, flipped: float) -> bool:
        """Tell whether differences are within the limit; what is not a number is not."""
        return probs <= self.probs and flipped <= self.flipped

    @property
    def gates(self) -> tuple[str, str]:
        """The limit as gates on an exported file."""
        return f"parity <= {self.probs:g}", f"flipped <= {self.flipped:g}"


ROUNDING = Limit(1e-6)
"""The same sums in another order, where they are exact to more digits than are compared: float64,
or probabilities of a network that undoes a scaling by itself."""
KERNELS = Limit(1e-4)
"""One float graph in one runtime: on another CPU, at another batch, from another file format. Of
the shipped teacher AVX2 instead of AVX-512 moved 4e-7 of the largest answer, SSE4.1 2e-6 (oneDNN's
and ATen's own switches)."""
REWRITTEN = Limit(1e-3, 0.002)
"""One float network in another library or graph: exported, converted, normalised, batch by batch.
A wrong axis, layer or channel changes the first digits."""
PREPARED = Limit(2e-3, 0.002)
"""As rewritten, with the resizing in the graph too, which rounds pixels otherwise than Pillow."""
HALF = Limit(0.01, 0.005)
"""Numbers of 11 bits, in which some runtimes add up and others do not."""
INTEGERS = Limit(0.05, 0.02)
"""In int8 another order of summing moves a value by a whole step, and such steps add up over the
layers."""
NARROW_SUMS = Limit(1.0, 0.01)
"""An int8 file on a CPU that adds up in 16 bits, for which it was made: decisions alone count."""
MAP = 1e-4
"""Of mAP on the same images, computed by the same network on a device and in the benchmark."""

OTHER_CPU: dict[Precision, Limit] = {
    "fp32": KERNELS,
    "fp16": HALF,
    "int8": INTEGERS,
    "int8_weights": KERNELS,  # computes in fp32
}
"""The same file in the same runtime elsewhere, by number format."""
OTHER_RUNTIME: dict[Precision, Limit] = {
    "fp32": REWRITTEN,
    "fp16": HALF,
    "int8": INTEGERS,
    "int8_weights": REWRITTEN,
}
"""The same network in another file for another runtime, by number format."""
