"""What is looked at before the training: options of pruning."""

from pydantic import Field

from edgepress.core.noun import Noun


class Scans(Noun):
    """Which scans are made; the stage of pruning adds these options to its own."""

    remove_blocks: tuple[str, ...] = ()
    """Residual blocks that are taken out whole before any channel: how many, and those without
    which validation images are told best go, or names and patterns, e.g. --remove-blocks
    "blocks.4.*"."""
    sensitivity: bool = True
    """Draw in the report what the network would lose if a layer alone were narrower."""
    scan_images: int = Field(32, ge=1)
    """Validation images at most that blocks are chosen by and sensitivity is measured on."""
