"""How the probabilities of a model were made honest: a scaling of the logits of each label."""

from typing import Literal

from pydantic import Field

from edgepress.core.noun import Noun

CalibrationMethod = Literal["temperature", "platt"]


class Scaling(Noun):
    """One label's new probability: `sigmoid(slope * logit(p) + offset)`."""

    slope: float = Field(gt=0, allow_inf_nan=False)
    """Above 0, so that the order of the images stays. Below 1 makes a network less sure."""
    offset: float = Field(default=0.0, allow_inf_nan=False)
    """In logits; above 0 makes the label likelier."""

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        return 1 / self.slope

    @property
    def inverse(self) -> "Scaling":
        """The scaling that takes this one back.

        >>> Scaling(slope=0.5, offset=1).inverse
        Scaling(slope=2.0, offset=-2.0)
        """
        return Scaling(slope=1 / self.slope, offset=-self.offset / self.slope)


Scalings = tuple[Scaling | None, ...]
"""One per label; `None` leaves the label as it is."""


class LabelCalibration(Noun):
    """The scaling of one label, and what it does on the validation images that it is from."""

    scaling: Scaling | None
    """`None` leaves the probabilities as the network gives them."""
    left: str | None = None
    """Why they are left so."""
    positives: int
    negatives: int
    """Validation images that are known to have the label and not to have it."""
    ece_before: float | None
    """Expected calibration error on these images; `None` where they do not hold both classes."""
    ece_after: float | None


class Calibration(Noun):
    """How the probabilities of one model file were calibrated.

    A PyTorch model is scaled when it is run, by this; an ONNX file has the scaling in its graph.
    """

    method: CalibrationMethod
    labels: tuple[LabelCalibration, ...]
    """One per label, in output order."""

    @property
    def scalings(self) -> Scalings:
        """The scaling of each label."""
        return tuple(label.scaling for label in self.labels)


def inverses(scalings: Scalings) -> Scalings:
    """Return the scalings that take these back, up to what probabilities near 0 and 1 have lost."""
    return tuple(None if scaling is None else scaling.inverse for scaling in scalings)


def coefficients(scalings: Scalings) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return slope and offset of each label, 1 and 0 where it is left as it is.

    >>> coefficients((Scaling(slope=0.5, offset=0.1), None))
    ((0.5, 1.0), (0.1, 0.0))
    """
    each = [scaling or Scaling(slope=1.0) for scaling in scalings]
    return tuple(one.slope for one in each), tuple(one.offset for one in each)
