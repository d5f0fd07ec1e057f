"""The scans of one pruning: what networks are shown, and where a killed scan goes on."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import nn

from compress.pruning.scans import depth
from compress.pruning.scans.scores import Remembered, Shown
from compress.pruning.scans.sensitivity import Scanned, scan
from edgepress.core import console
from edgepress.core.pruning import RemovedBlocks, Sensitivity
from edgepress.core.wording import counted
from edgepress.data.context import Context
from models.basis.torch_process import seeded


@dataclass(frozen=True)
class Looking:
    """What looks at networks; no image is read before it does."""

    context: Context
    images: int
    """At most."""
    seed: int
    scratch: Path
    """A folder for the scores so far."""

    @cached_property
    def _shown(self) -> Shown:
        return Shown.of(self.context, self.images, self.seed)

    def blocks(
        self, network: nn.Module, wanted: tuple[str, ...], keep: tuple[str, ...]
    ) -> RemovedBlocks | None:
        """Return which blocks are to be taken out of a network, and say it; `None` for none.

        Raises:
            UserError: as `depth.rounds_of`.
        """
        rounds = depth.rounds_of(network, self.context.spec, wanted, keep)
        if not rounds:
            return None
        found = depth.chosen(network, rounds, self._shown, Remembered(self.scratch / "blocks.json"))
        says = {"map": "mAP", "loss": "loss"}[found.metric]
        console.say(f"{says} on {counted(found.images, 'image')}: {found.whole:.4f}")
        for block in found.blocks:
            console.say(f"  without {block.name}: {block.score:.4f}")
        return found

    def layers(self, network: nn.Module, what: Scanned) -> Sensitivity:
        """Return what a network would lose if a layer alone were narrower.

        Raises:
            UserError: as `sensitivity.scan`.
        """
        with seeded(self.seed):  # of importances that draw
            return scan(network, what, self._shown, Remembered(self.scratch / "sensitivity.json"))
