"""What is said of a file of weights: what was done with it, or why it is not the network's."""

from collections.abc import Collection

from torch import Tensor

from edgepress.core.errors import UserError
from edgepress.core.wording import counted
from models.checkpoint.files import Content, Weights
from models.checkpoint.fitting import KINDS, Fit, Wanted

QUANTIZED = ("_packed_params", "zero_point", "qweight", "qzeros", "absmax", "SCB")
"""Ends of the names of tensors that only quantized networks have."""
FOLDED = ("weight_orig", "weight_g", "weight_v", "original0", "original1")
"""Ends of the names of tensors that a parametrization makes the weights of."""


KEY = "--weights-key"
"""The option that chooses among several."""


def done(fit: Fit, others: list[Fit], content: Content, wanted: Wanted) -> list[str]:
    """Return what was done that the names of the file and of the network do not say themselves."""
    own = wanted.tensors
    kinds = {str(t.dtype) for n, t in fit.taken.items() if t.dtype != own[n].dtype}
    rest = ", ".join(named(other.place) for other in others)
    left, counters = _left_over(fit, others, content), counted(len(fit.counters), "counter")
    added = [n for n, t in fit.taken.items() if t.shape != content.tensors[fit.sources[n]].shape]
    told = {
        f"taken from {named(fit.place)}": fit.place,
        f"not from {rest}, which fits too (choose by {KEY})": rest,
        f"output layer from {named(fit.head_from or '')}": fit.head_from is not None,
        f"a new output layer, not trained: {_heads(fit, content, wanted)}": fit.new_head,
        f"its outputs are {_labels(content, wanted)}": not fit.new_head
        and wanted.same_labels(content),
        f"without {counters} ({first_few(fit.counters, 1)}), from 0 on": fit.counters,
        f"passed over {counted(len(left), 'other tensor')} ({first_few(left)})": left,
        f"added up for grey images: {first_few(added)}": added,
        f"stored in {', '.join(sorted(kinds))}": kinds,
        f"objects not read: {first_few(content.classes)}": content.classes,
    }  # fmt: skip
    return [text for text, so in told.items() if so]


def misfit(fits: list[Fit], content: Content, wanted: Wanted) -> UserError:
    """Return the error for a file that holds no weights of a network."""
    wrong = _what_is_wrong(fits, content, wanted)
    if found := _ends(content, QUANTIZED) or _kinds(fits):
        return UserError(
            f"The checkpoint is of a quantized network ({first_few(found)}): {wrong}",
            got=content.path,
            next_step="give the float weights that it was made from",
        )
    if found := _ends(content, FOLDED):
        return UserError(
            f"The checkpoint holds what weights are computed from ({first_few(found)}): {wrong}",
            got=content.path,
            next_step="save the weights themselves: torch.nn.utils.prune.remove, "
            "remove_weight_norm or remove_parametrizations before model.state_dict()",
        )
    told = content.architecture
    noted = f"; the file says it is of {told}" if told else ""
    return UserError(
        f"The checkpoint is of another architecture: {wrong}",
        got=f"{content.path}{noted}",
        next_step=f"give the architecture it was trained with (--arch{f' {told}' if told else ''})",
    )


def named(place: str) -> str:
    """Return how a place in a file is called."""
    return f"'{place.rstrip('.')}'" if place else "the top of the file"


def first_few(names: Collection[str], most: int = 3) -> str:
    """Return the first names, and that there are more.

    >>> first_few(["a", "b", "c", "d"])
    'a, b, c, ...'
    """
    shown = list(names)[:most]
    return ", ".join([*shown, "..."] if len(names) > most else shown)


def _ends(content: Content, ends: tuple[str, ...]) -> list[str]:
    return [name for name in content.tensors if any(end in name.split(".") for end in ends)]


def _left_over(fit: Fit, others: list[Fit], content: Content) -> list[str]:
    """Return the tensors of a file that nothing else is said of, by what leads to them."""
    used = {name for one in (fit, *others) for name in one.sources.values()}
    used |= {fit.place + name for name in fit.new_head}
    return [name for name in content.tensors if name not in used]


def _kinds(fits: list[Fit]) -> tuple[str, ...]:
    return fits[0].problems[KINDS] if fits else ()


def _labels(content: Content, wanted: Wanted) -> str:
    if content.labels == wanted.labels:
        return "the data's labels, as the file names them"
    return f"put into the order of the data's labels: the file has {first_few(content.labels, 5)}"


def _heads(fit: Fit, content: Content, wanted: Wanted) -> str:
    if wanted.same_labels(content) is False:
        return f"the file's outputs are {first_few(content.labels, 5)}"
    given = {name: content.tensors.get(fit.place + name) for name in fit.new_head}
    return first_few([_against(n, wanted.tensors[n], tensor) for n, tensor in given.items()], 2)


def _what_is_wrong(fits: list[Fit], content: Content, wanted: Wanted) -> str:
    if not fits:
        mine, theirs = first_few(wanted.tensors), first_few(content.tensors)
        return f"it has none of the network's {len(wanted.tensors)} tensors ({mine}), but {theirs}"
    fit = fits[0]
    where = f"behind {named(fit.place)} " if fit.place else ""
    return f"{where}tensors " + ", ".join(
        f"{len(names)} {what} ({first_few([_detailed(n, fit, wanted.tensors) for n in names])})"
        for what, names in fit.problems.items()
        if names
    )


def _detailed(name: str, fit: Fit, own: Weights) -> str:
    """Return a name, with its shapes or kinds where both sides have it and they differ."""
    given = fit.taken.get(name)
    if given is None or name not in own:
        return name
    if given.shape != own[name].shape:
        return _against(name, own[name], given)
    return name if given.dtype == own[name].dtype else f"{name} in {given.dtype}"


def _against(name: str, own: Tensor, given: Tensor | None) -> str:
    there = "is not there" if given is None else f"is {list(given.shape)} there"
    return f"{name} {there}, {list(own.shape)} here"
