"""What everything that knows a cost answers to."""

from collections.abc import Mapping
from typing import Protocol


class Costs(Protocol):
    """What a network costs by the widths of its prunable groups.

    A group is what loses channels together. It has the name, as in `network.named_modules`, of the
    first layer that makes its channels, and that layer's output channels are its width.
    """

    @property
    def unit(self) -> str:
        """What is counted: `s`, `B`, `MAC` or `parameters`."""

    def total(self, widths: Mapping[str, int]) -> float:
        """Return what all of the network costs; groups that are not named are whole."""
