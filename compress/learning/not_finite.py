"""A loss that is infinite or NaN: it ends a training, before it spoils the weights."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from edgepress.core.errors import NotFiniteError

LABELS = "labels"
"""The term of what is known of the images."""


class LossNotFiniteError(Exception):
    """The loss of a step is not finite; `terms` are the ones that are not, where it is a sum."""

    def __init__(self, terms: tuple[str, ...] = ()) -> None:
        super().__init__(*terms)
        self.terms = terms


def require(terms: Iterable[tuple[str, Tensor]], total: Tensor) -> Tensor:
    """Return a loss, the sum of terms with their names, of which one can be there twice.

    Raises:
        LossNotFiniteError: it is not finite.
    """
    if not bool(total.isfinite()):
        bad = tuple(name for name, value in terms if not bool(value.isfinite()))
        raise LossNotFiniteError(bad)
    return total


def explained(error: LossNotFiniteError, epoch: int, step: int, kept: Path) -> NotFiniteError:
    """Return what is said of it; the epochs before the one that failed are `kept` in a file."""
    whole = (
        f"its state after epoch {epoch - 1} is in {kept}" if kept.exists() else "no epoch was done"
    )
    # Where the labels' own term is not finite, the student is not, and each other term with it.
    without = ", or leave that term out" if error.terms and LABELS not in error.terms else ""
    names = f", term {', '.join(error.terms)}" if error.terms else ""
    return NotFiniteError(
        f"The loss is not finite any more; {whole}",
        got=f"epoch {epoch}, step {step}{names}",
        next_step=f"lower --learning-rate{without}",
    )
