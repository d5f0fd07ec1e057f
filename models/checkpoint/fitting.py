"""Which tensors of a file become which of a network, and what is left over on either side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from models.checkpoint.files import Content, Weights
from models.checkpoint.places import splits

COUNTERS = ("num_batches_tracked",)
"""Tensors of layers that only count: a network does the same without them."""
MEASURED = (*COUNTERS, "total_ops", "total_params", "n_averaged")
"""Tensors that programs leave in a network beside its weights."""


@dataclass(frozen=True)
class Wanted:
    """What a network asks of a file."""

    tensors: Weights
    head: frozenset[str] = frozenset()
    """Names of the tensors whose shapes follow the number of labels."""
    key: str | None = None
    """Where in the file its weights are; `None` is wherever they fit."""
    exact: bool = False
    """Whether it wants all of its tensors, and no others, as an artifact stores them."""


@dataclass(frozen=True)
class Fit:
    """What a file holds for a network at one place."""

    place: str
    taken: Weights
    """By the network's names."""
    head_from: str | None = None
    """Another place that the output layer is taken from."""
    new_head: tuple[str, ...] = ()
    """Tensors of the output layer that are not there, or of other labels."""
    counters: tuple[str, ...] = ()
    """Counters that are not there."""
    passed_over: tuple[str, ...] = ()
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What keeps the file from being this network's: names, by what is wrong with them."""

    @property
    def good(self) -> bool:
        """Whether the network can start from it."""
        return not any(self.problems.values()) and bool(self.taken)


def fit_at(wanted: Wanted, content: Content, place: str) -> Fit:
    """Hold a network against the tensors behind a place."""
    own = wanted.tensors
    given = {n: content.tensors[place + n] for n in own if place + n in content.tensors}
    head_from, head = _head_elsewhere(wanted, content, given)
    given |= head
    split = [names for names in twins(own) if not _equal([given[n] for n in names if n in given])]
    for names in twins(own):
        known = next((given[name] for name in names if name in given), None)
        given |= {} if known is None else dict.fromkeys(names, known)
    left = _foreign(wanted, content, place, head_from)
    within = set(left) if wanted.exact else _within(wanted, left)
    counters = () if wanted.exact else COUNTERS
    problems = {
        "missing": [n for n in own if n not in given and not n.endswith(counters)],
        "of another shape": [n for n in given if given[n].shape != own[n].shape],
        "of a kind that no float layer has": [n for n in given if not _same_kind(given[n], own[n])],
        "that the network shares and the file does not": [
            name for names in split for name in names
        ],
        "unexpected": [name for name in left if name in within],
    }
    new = {
        n for what in ("missing", "of another shape") for n in problems[what] if n in wanted.head
    }
    new_head = tuple(n for n in own if n in wanted.head) if new else ()
    return Fit(
        place=place,
        taken={n: tensor for n, tensor in given.items() if n not in new_head},
        head_from=head_from,
        new_head=new_head,
        counters=tuple(n for n in own if n not in given and n.endswith(counters)),
        passed_over=tuple(name for name in left if name not in within),
        problems={
            what: tuple(n for n in found if n not in new) for what, found in problems.items()
        },
    )


def twins(own: Weights) -> list[list[str]]:
    """Return the names of each tensor that a network has under several of them."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, tensor in own.items():
        if tensor.numel():
            memory = (tensor.data_ptr(), tensor.shape, tensor.stride())
            found.setdefault(memory, []).append(name)
    return [names for names in found.values() if len(names) > 1]


def _equal(tensors: list[Tensor]) -> bool:
    return all(one.shape == tensors[0].shape and bool((one == tensors[0]).all()) for one in tensors)


def _same_kind(given: Tensor, own: Tensor) -> bool:
    """Tell whether a tensor can be the network's; its precision does not matter."""
    if given.is_quantized or given.is_complex() != own.is_complex():
        return False
    return given.is_floating_point() or not own.is_floating_point()


def _head_elsewhere(wanted: Wanted, content: Content, given: Weights) -> tuple[str | None, Weights]:
    """Return the output layer from the one other place that has it, where this one has not.

    A training code often wraps the body of a network alone.
    """
    missing = [name for name in wanted.head if name not in given]
    if not missing or not given:
        return None, {}
    found = set.intersection(*({*_places_of(name, wanted, content)} for name in missing))
    if len(found) != 1:
        return None, {}
    (place,) = found
    return place, {name: content.tensors[place + name] for name in missing}


def _places_of(wanted_name: str, wanted: Wanted, content: Content) -> Iterator[str]:
    shape = wanted.tensors[wanted_name].shape
    for name, tensor in content.tensors.items():
        if tensor.shape == shape and name.endswith(wanted_name):
            yield from (place for place, rest in splits(name) if rest == wanted_name)


def _foreign(wanted: Wanted, content: Content, place: str, head_from: str | None) -> list[str]:
    """Return the names behind a place that the network does not have."""
    rest = (name.removeprefix(place) for name in content.tensors if name.startswith(place))
    elsewhere = {f"{head_from}{name}" for name in wanted.head} if head_from is not None else set()
    return [name for name in rest if name not in wanted.tensors and place + name not in elsewhere]


def _within(wanted: Wanted, foreign: list[str]) -> set[str]:
    """Return the foreign tensors that lie in a part of the network: it has layers that ours lacks.

    Counters, tables of places (whole numbers) and other layers of the output are no such sign.
    """
    parts = {name.partition(".")[0] for name in wanted.tensors if "." in name}
    numbered = any(part.isdigit() for part in parts)
    heads = _only_heads(wanted)
    return {
        name
        for name in foreign
        if (name.partition(".")[0] in parts or (numbered and name.partition(".")[0].isdigit()))
        and name.rpartition(".")[2] not in MEASURED
        and not any(name.startswith(head) for head in heads)
    }


def _only_heads(wanted: Wanted) -> set[str]:
    """Return the outermost parts of the network, with their dot, that hold nothing but the head."""
    body = [name for name in wanted.tensors if name not in wanted.head]
    parts = {place for name in wanted.head for place, _ in splits(name) if place}
    return {part for part in parts if not any(name.startswith(part) for name in body)}
