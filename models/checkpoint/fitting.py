"""Which tensors of a file become which of a network, and what is left over on either side."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
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
    head: Mapping[str, int] = field(default_factory=dict)
    """Names of the tensors whose shapes follow the number of labels, and their axis of labels."""
    key: str | None = None
    """Where in the file its weights are; `None` is wherever they fit."""
    adapted: Callable[[Weights], Mapping[str, Tensor]] = dict
    """Makes of a file's tensors, by the network's names, those that are compared and loaded."""
    exact: bool = False
    """Whether it wants all of its tensors, and no others, as an artifact stores them."""
    labels: tuple[str, ...] = ()
    """Of the data, in order: those that a file names are put into it."""

    def same_labels(self, content: Content) -> bool | None:
        """Tell whether a file's outputs are the labels, in any order; `None`: nobody says."""
        known = self.labels and content.labels
        return set(self.labels) == set(content.labels) if known else None


@dataclass(frozen=True)
class Fit:
    """What a file holds for a network at one place."""

    place: str
    sources: Mapping[str, str]
    """The name in the file of each of the network's tensors that is taken."""
    taken: Weights
    """By the network's names."""
    head_from: str | None = None
    """What the output layer is called in the file, where the rest of the network is elsewhere."""
    new_head: tuple[str, ...] = ()
    """Tensors of the output layer that are not there, or of other labels."""
    counters: tuple[str, ...] = ()
    """Counters that are not there."""
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What keeps the file from being this network's: names, by what is wrong with them."""

    @property
    def good(self) -> bool:
        """Whether the network can start from it."""
        return not any(self.problems.values()) and bool(self.taken)


KINDS = "of a kind that no float layer has"


def fit_at(wanted: Wanted, content: Content, place: str) -> Fit:
    """Hold a network against the tensors behind a place."""
    own, tensors = wanted.tensors, content.tensors
    sources = {name: place + name for name in own if place + name in tensors}
    head_from, head = _head_elsewhere(wanted, content, place, sources)
    sources |= head
    problems = _shared_badly(own, sources, tensors)
    sources = _with_twins(own, sources)
    given = wanted.adapted({name: tensors[source] for name, source in sources.items()})
    given = _in_our_order(given, wanted, content)
    absent = [name for name in own if name not in given]
    counters = () if wanted.exact else COUNTERS
    problems |= {
        "missing": [name for name in absent if not name.endswith(counters)],
        "of another shape": [n for n, tensor in given.items() if tensor.shape != own[n].shape],
        KINDS: [n for n, tensor in given.items() if not _same_kind(tensor, own[n])],
        "unexpected": _unexpected(wanted, content, place, set(sources.values())),
    }
    odd = {*problems["missing"], *problems["of another shape"]} & wanted.head.keys()
    other = bool(odd) or wanted.same_labels(content) is False
    new_head = tuple(name for name in own if other and name in wanted.head)
    return Fit(
        place=place,
        sources={name: source for name, source in sources.items() if name not in new_head},
        taken={name: tensor for name, tensor in given.items() if name not in new_head},
        head_from=head_from,
        new_head=new_head,
        counters=tuple(name for name in absent if name.endswith(counters)),
        problems={
            what: tuple(n for n in found if n not in odd) for what, found in problems.items()
        },
    )


def _in_our_order(given: Mapping[str, Tensor], wanted: Wanted, content: Content) -> Weights:
    """Put the outputs that a file names into the order of the labels, where they are these."""
    if content.labels == wanted.labels or not wanted.same_labels(content):
        return dict(given)
    rows = torch.tensor([content.labels.index(label) for label in wanted.labels])
    axes = {
        name: axis
        for name, axis in wanted.head.items()
        if name in given and given[name].shape == wanted.tensors[name].shape
    }
    return dict(given) | {name: given[name].index_select(a, rows) for name, a in axes.items()}


def twins(own: Weights) -> list[list[str]]:
    """Return the names of each tensor that a network has under several of them."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, tensor in own.items():
        if tensor.numel():
            memory = (tensor.data_ptr(), tensor.shape, tensor.stride())
            found.setdefault(memory, []).append(name)
    return [names for names in found.values() if len(names) > 1]


def _shared_badly(own: Weights, sources: dict[str, str], tensors: Weights) -> dict[str, list[str]]:
    """Return the names of tensors that the network shares, and of which the file has two."""
    known = [[name for name in names if name in sources] for names in twins(own)]
    found = [names for names in known if not _equal([tensors[sources[name]] for name in names])]
    return {"shared in the network and not in the file": [n for names in found for n in names]}


def _with_twins(own: Weights, sources: dict[str, str]) -> dict[str, str]:
    """Give a tensor that is stored once to each of its names."""
    filled = dict(sources)
    for names in twins(own):
        known = next((sources[name] for name in names if name in sources), None)
        filled |= {} if known is None else {name: sources.get(name, known) for name in names}
    return filled


def _equal(tensors: list[Tensor]) -> bool:
    return all(one.shape == tensors[0].shape and bool((one == tensors[0]).all()) for one in tensors)


def _same_kind(given: Tensor, own: Tensor) -> bool:
    """Tell whether a tensor can be the network's; its precision does not matter."""
    if given.is_quantized or given.is_complex() != own.is_complex():
        return False
    return given.is_floating_point() or not own.is_floating_point()


def _head_elsewhere(
    wanted: Wanted, content: Content, place: str, sources: dict[str, str]
) -> tuple[str | None, dict[str, str]]:
    """Return where the output layer is, where it is not where the body is: its name and sources.

    A training code often wraps the body alone, or puts a dropout before the layer (`fc.1`). Only
    what is clear is taken: one other place, or the only layer in that part.
    """
    missing = [name for name in wanted.head if name not in sources]
    if not missing or not sources:
        return None, {}
    found = set.intersection(*({*_places_of(name, wanted, content)} for name in missing))
    if len(found) == 1:
        (other,) = found
        return other.rstrip("."), {name: other + name for name in missing}
    return _head_inside(wanted, content, place, missing)


def _places_of(wanted_name: str, wanted: Wanted, content: Content) -> Iterator[str]:
    shape = wanted.tensors[wanted_name].shape
    for name, tensor in content.tensors.items():
        if tensor.shape == shape and name.endswith(wanted_name):
            yield from (place for place, rest in splits(name) if rest == wanted_name)


def _head_inside(
    wanted: Wanted, content: Content, place: str, missing: list[str]
) -> tuple[str | None, dict[str, str]]:
    """Return the only layer of the part that the output layer should be itself."""
    layers = {name.rpartition(".")[0] for name in missing}
    inside = [name for name in content.tensors if name.startswith(f"{place}{min(layers)}.")]
    called = {name.rpartition(".")[0] for name in inside}
    if len(layers) != 1 or len(called) != 1 or len(inside) != len(missing):
        return None, {}
    (layer,) = called
    found = {name: f"{layer}.{name.rpartition('.')[2]}" for name in missing}
    shapes = {name: content.tensors[f].shape for name, f in found.items() if f in content.tensors}
    right = all(shapes.get(name) == wanted.tensors[name].shape for name in missing)
    return (layer, found) if right else (None, {})


def _unexpected(wanted: Wanted, content: Content, place: str, used: set[str]) -> list[str]:
    """Return names behind a place that show that it is another network: layers that ours lacks.

    Counters, tables of places (whole numbers), other output layers and what lies beside the network
    are no such sign.
    """
    behind = [name for name in content.tensors if name.startswith(place) and name not in used]
    left = [name.removeprefix(place) for name in behind]
    if wanted.exact:
        return left
    parts = {name.partition(".")[0] for name in wanted.tensors if "." in name}
    numbered = any(part.isdigit() for part in parts)
    heads = _only_heads(wanted)
    return [
        name
        for name in left
        if (name.partition(".")[0] in parts or (numbered and name.partition(".")[0].isdigit()))
        and name.rpartition(".")[2] not in MEASURED
        and content.tensors[place + name].is_floating_point()
        and not any(name.startswith(head) for head in heads)
    ]


def _only_heads(wanted: Wanted) -> set[str]:
    """Return the parts of the network, with their dot, that hold nothing but the head."""
    body = [name for name in wanted.tensors if name not in wanted.head]
    parts = {place for name in wanted.head for place, _ in splits(name) if place}
    return {part for part in parts if not any(name.startswith(part) for name in body)}
