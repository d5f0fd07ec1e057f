"""Terms of a distillation loss, one a file.

A file has `term(taught)`, which returns a scalar from what student and teacher make of one batch
(`_taught.Taught`), and `NEEDS`, so that what no term needs is not computed: `"labels"`, `"teacher"`
(its logits), or its logits with what `compress.learning.features` notes of both networks:
`"embeddings"`, `"label-embeddings"`, `"features"` or `"maps"`.

One that learns weights of its own has `parts(pairing)` too, which returns a module of them, and
`term(taught, part)`. They are trained and kept with the student, and are no part of it.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Literal

from torch import Tensor, nn

from compress.learning.features import Pairing
from compress.learning.not_finite import require
from compress.learning.terms._taught import Taught
from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.core.source import source_hash

Needs = Literal["labels", "teacher", "embeddings", "label-embeddings", "features", "maps"]


@dataclass(frozen=True)
class Weighted:
    """A term and what it counts for."""

    weight: float
    term: Callable[..., Tensor]
    """Of what is `Taught`; and of its part, where it has one and is not `equipped` yet."""
    needs: Needs
    name: str = ""
    parts: Callable[[Pairing], nn.Module] | None = None
    """Makes what it learns with the student, for what is compared in two networks."""


def weighted(weight: float, module: ModuleType) -> Weighted:
    """Return the term of a module with its weight."""
    name = module.__name__.rpartition(".")[2].replace("_", "-")
    return Weighted(weight, module.term, module.NEEDS, name, getattr(module, "parts", None))


def equipped(
    terms: Sequence[Weighted], pairing: Pairing
) -> tuple[tuple[Weighted, ...], nn.ModuleList]:
    """Return terms that have their parts, and those parts, in the order of the terms."""
    found, parts = list(terms), nn.ModuleList()
    for place, one in enumerate(terms):
        if one.parts is not None:
            part = one.parts(pairing)
            parts.append(part)
            found[place] = replace(one, term=partial(one.term, part=part), parts=None)
    return tuple(found), parts


def parse(asked: Sequence[str]) -> tuple[Weighted, ...]:
    """Read terms, each `NAME=WEIGHT`.

    Raises:
        UserError: one that is not, of an unknown name, or named twice.
    """
    read = [_read(text) for text in asked]
    names = [module.__name__ for module, _ in read]
    for text, name in zip(asked, names, strict=True):
        if names.count(name) > 1:
            raise UserError(
                "A term of the loss is named twice",
                got=text,
                next_step="give it once, with the weight that it is to have",
            )
    return tuple(weighted(weight, module) for module, weight in read)


def by_teacher(terms: Sequence[Weighted]) -> list[Weighted]:
    """Return the terms that a teacher is asked for; without any it need not run."""
    return [one for one in terms if one.needs != "labels"]


def observe(terms: Sequence[Weighted]) -> bool:
    """Return whether terms look into both networks, and not only at what they answer."""
    return any(one.needs not in ("labels", "teacher") for one in terms)


def identity(asked: Sequence[str]) -> dict[str, str]:
    """Return a hash of what computes each term, by its name."""
    modules = [_read(text)[0].__name__ for text in asked]
    return {name: source_hash(name) for name in modules}


def _read(text: str) -> tuple[ModuleType, float]:
    found = re.fullmatch(r"\s*([\w-]+)\s*=\s*([0-9.eE+-]+)\s*", text)
    weight = _number(found[2]) if found else None
    if found is None or weight is None or not 0 < weight < math.inf:
        raise UserError(
            "A term of the loss is NAME=WEIGHT",
            got=text,
            allowed=f"{', '.join(registry.names(__name__))}, and a weight above 0",
        )
    return registry.find(__name__, found[1], "term of the loss"), weight


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def total(terms: Sequence[Weighted], taught: Taught) -> Tensor:
    """Return the weighted sum of terms, 0 of none.

    Raises:
        LossNotFiniteError: it is not finite.
    """
    each = [(one.name, one.weight * one.term(taught)) for one in terms]
    found = sum((value for _, value in each), start=taught.logits.new_zeros(()))
    return require(each, found)
