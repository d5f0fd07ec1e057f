"""Which residual blocks are taken out whole: those that are named, or those that cost the least.

Nothing is trained or calibrated in between, as in the scan of the layers.
"""

import copy
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial

from torch import nn

from compress.pruning.kept_layers import named_like
from compress.pruning.scans.residual import residual_blocks, without
from compress.pruning.scans.scores import Remembered, Shown
from edgepress.core import console
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.pruning import RemovedBlock, RemovedBlocks
from models.blank import blank_image
from models.pruning_history import take_out


def rounds_of(
    network: nn.Module, spec: ImageSpec, wanted: tuple[str, ...], keep: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Return the blocks of which one goes, again and again, each time without those gone before.

    Args:
        network: Its weights do not matter.
        spec: The images that it takes.
        wanted: A number of blocks, or names and patterns.
        keep: Layers that keep their channels, by name or pattern: their blocks stay.

    Raises:
        UserError: there are not so many blocks, none of a name, or one holds a layer that stays.
    """
    if not wanted:
        return []
    stays = named_like(network, keep)
    blocks = residual_blocks(network, blank_image(spec))
    if not blocks and wanted != ("0",):
        raise UserError(
            "The network has no residual block that can be taken out",
            got=f"--remove-blocks {' '.join(wanted)}",
            next_step="leave --remove-blocks out",
        )
    free = tuple(b for b in blocks if not any(name.startswith(f"{b}.") for name in stays))
    if (number := _number(wanted)) is not None:
        return _as_many(free, number)
    for pattern in wanted:
        if not any(fnmatchcase(block, pattern) for block in blocks):
            raise unknown_name("block in --remove-blocks", pattern, blocks)
    named = [b for b in blocks if any(fnmatchcase(b, pattern) for pattern in wanted)]
    for block in named:
        if block not in free:
            raise UserError(
                "A block that is to go holds a layer that is to stay",
                got=block,
                next_step="leave one of them out: --remove-blocks or --keep",
            )
    return [(block,) for block in named]


def require_named(network: nn.Module, wanted: tuple[str, ...]) -> None:
    """Refuse names and patterns that fit no part of a network, of which no image is known yet.

    Raises:
        UserError: there is one.
    """
    parts = [name for name, _ in network.named_modules() if name]
    for pattern in () if _number(wanted) is not None else wanted:
        if not any(fnmatchcase(part, pattern) for part in parts):
            raise unknown_name("block in --remove-blocks", pattern, parts)


def _number(wanted: tuple[str, ...]) -> int | None:
    """Return how many blocks are to go, where no names say which."""
    return int(wanted[0]) if len(wanted) == 1 and wanted[0].isdecimal() else None


def _as_many(blocks: tuple[str, ...], number: int) -> list[tuple[str, ...]]:
    if number > len(blocks):
        raise UserError(
            "The network has not so many residual blocks that can be taken out",
            got=f"--remove-blocks {number}",
            allowed=f"0 to {len(blocks)}",
        )
    return [blocks] * number


def chosen(
    network: nn.Module, rounds: Sequence[Sequence[str]], shown: Shown, memory: Remembered
) -> RemovedBlocks:
    """Return which blocks go, one of each round: the one without which the score is best.

    Args:
        network: It is left as it is.
        rounds: As `rounds_of` makes them.
        shown: What the network is scored on.
        memory: Of the scores.
    """
    left = copy.deepcopy(network).eval()
    whole = memory.score("", partial(shown.score, left))
    gone: list[RemovedBlock] = []
    for blocks in rounds:
        before = [block.name for block in gone]
        scores = {
            name: memory.score(" ".join([*before, name]), partial(_without, left, name, shown))
            for name in console.track([b for b in blocks if b not in before], "blocks")
        }
        best = (max if shown.metric == "map" else min)(scores, key=scores.__getitem__)
        take_out(left, best)
        gone.append(RemovedBlock(name=best, score=scores[best]))
    return RemovedBlocks(
        metric=shown.metric, images=len(shown.pixels), whole=whole, blocks=tuple(gone)
    )


def shallow(network: nn.Module, blocks: RemovedBlocks | None) -> nn.Module:
    """Return a copy of a network without blocks."""
    copied = copy.deepcopy(network)
    for block in blocks.blocks if blocks else ():
        take_out(copied, block.name)
    return copied


def without_blocks(architecture: Architecture, blocks: RemovedBlocks | None) -> Architecture:
    """Return an architecture whose record says that blocks were taken out."""
    gone = tuple(block.name for block in blocks.blocks) if blocks else ()
    history = (*architecture.pruning_history, *gone)
    return architecture.model_copy(update={"pruning_history": history})


def _without(network: nn.Module, block: str, shown: Shown) -> float:
    with without(network, block):
        return shown.score(network)
