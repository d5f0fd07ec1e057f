"""Ways to draw the images of an epoch where labels are not alike frequent, one a file.

A file has `rows(has, value, random)`: which images are shown, in any order, of which labels `has`
`[n, labels]` they have. Their number depends on `has` and `value` alone, or the file has
`ONCE = True`: it is asked once for the whole training, as the paper does. `VALUE` is its number
where none is given, with its `LIMITS`; `None` takes none.

`--sampling NAME` or `--sampling NAME=VALUE`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from compress.learning.sampling import _measures
from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.source import source_hash

Has = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Sampling:
    """A way to draw, with its number."""

    module: ModuleType
    value: float | None

    def rows(self, has: Has, seed: int) -> Rows:
        """Return which images are shown, in any order."""
        found: Rows = self.module.rows(has, self.value, np.random.default_rng(seed))
        return found


def parse(text: str) -> Sampling:
    """Read `NAME` or `NAME=VALUE`.

    Raises:
        UserError: an unknown name, or a number that it does not take.
    """
    name, given, number = text.partition("=")
    module = registry.find(__name__, name.strip(), "sampling")
    if module.VALUE is None and given:
        raise UserError(
            "This sampling takes no number", got=text, next_step=f"--sampling {name.strip()}"
        )
    return Sampling(module, _number(text, number, module) if given else module.VALUE)


def _number(text: str, number: str, module: ModuleType) -> float:
    low, high = module.LIMITS
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not low < value <= high:
        raise UserError(
            "A sampling is NAME or NAME=VALUE", got=text, allowed=f"above {low:g}, at most {high:g}"
        )
    return value


def identity(text: str | None) -> dict[str, str]:
    """Return a hash of what draws the images, where they are drawn.

    Raises:
        UserError: as `parse`.
    """
    if text is None:
        return {}
    how = parse(text)
    return {"sampling": value_hash([how.value, source_hash(how.module.__name__)])}


def sampler(
    text: str | None, targets: NDArray[np.float32], seed: int, order: torch.Generator
) -> Sampler[int] | None:
    """Return what draws the rows of targets `[n, labels]`; `None` shows each once in an epoch.

    Args:
        text: As `parse` takes it.
        targets: Of the training part.
        seed: Of what is drawn once for the whole training.
        order: Of what is drawn in each epoch.

    Raises:
        UserError: as `parse`, or no image has any label.
    """
    if text is None:
        return None
    has = _measures.present(targets)
    if not has.any():
        raise UserError(
            "No training image has any label, so there is nothing to draw by",
            got=f"--sampling {text}",
            next_step="leave --sampling out",
        )
    return _Drawn(parse(text), has, seed, order)


class _Drawn(Sampler[int]):
    """Draws the rows of an epoch anew whenever it is gone through."""

    def __init__(self, how: Sampling, has: Has, seed: int, order: torch.Generator) -> None:
        self.how, self.has, self.order = how, has, order
        self.first = how.rows(has, seed)
        self.once = getattr(how.module, "ONCE", False)

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[int]:
        seed = int(torch.randint(2**62, (), generator=self.order))
        rows = self.first if self.once else self.how.rows(self.has, seed)
        yield from np.random.default_rng(seed).permutation(rows).tolist()
