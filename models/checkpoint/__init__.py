"""Weights in: safetensors, or a pickle of which nothing but tensors is read.

`load_into` wants exactly what a network has, as an artifact stores it. `start_from` takes a file as
training codes leave it, and says in one line what it has made of it.
"""

from pathlib import Path

import torch
from torch import nn

from edgepress.core import console
from edgepress.core.errors import UserError
from models.checkpoint import files, places, telling
from models.checkpoint.files import Content, Weights, require_file
from models.checkpoint.fitting import Fit, Wanted, fit_at, twins
from models.checkpoint.telling import first_few

__all__ = [
    "Wanted",
    "Weights",
    "files",
    "find",
    "load_into",
    "put_into",
    "read",
    "require_file",
    "start_from",
    "stored_once",
    "telling",
]

MOST_PLACES = 50
"""Places in a file that are held against a network."""


def read(path: Path) -> Weights:
    """Read the tensors of a file by the names that lead to them; no code in it is run.

    Raises:
        UserError: no such file, no file of weights, a damaged file, or a pickle that needs code to
            run.
    """
    return files.read(path).tensors


def load_into(network: nn.Module, weights: Weights, source: Path) -> None:
    """Load weights into a network whose every tensor must match, those that it shares once.

    Raises:
        UserError: missing, unexpected or differently shaped tensors; the first of each is named. Or
            weights that are not finite.
    """
    wanted, content = Wanted(network.state_dict(), exact=True), Content(source, weights)
    fit = fit_at(wanted, content, "")
    if not fit.good:
        raise telling.misfit([fit], content, wanted)
    _check_finite(fit, wanted, source)
    put_into(network, fit.taken)


def start_from(network: nn.Module, content: Content, wanted: Wanted) -> None:
    """Load the weights of a training code's file into a network, and say what was done.

    Raises:
        UserError: as `find`.
    """
    fit, others = find(content, wanted)
    put_into(network, fit.taken)
    done = telling.done(fit, others, content, wanted)
    if done:
        console.say(f"weights of {content.path}: {'; '.join(done)}")


def put_into(network: nn.Module, tensors: Weights) -> None:
    """Give some tensors of a network other values.

    They go in as a state of the network's own, which knows the versions of its layers: MNASNet
    refuses one without.
    """
    state = network.state_dict()
    state.update(tensors)
    network.load_state_dict(state)


def find(content: Content, wanted: Wanted) -> tuple[Fit, list[Fit]]:
    """Return which tensors of a file are a network's, and the others that could be.

    Raises:
        UserError: none are, or they are not finite.
    """
    found = places.places(wanted.tensors, content.tensors)[:MOST_PLACES]
    if wanted.key is not None:
        found = _under(wanted.key, found, content)
    fits = [fit_at(wanted, content, place) for place in found]
    good = [fit for fit in fits if fit.good and not _head_alone(fit, wanted)]
    if not good:
        raise telling.misfit(fits, content, wanted)
    in_file = places.in_order(fit.place for fit in good)
    good.sort(key=lambda fit: (bool(fit.new_head), in_file.index(fit.place)))
    _check_finite(good[0], wanted, content.path)
    return good[0], [other for other in good[1:] if not _same(good[0], other)]


def stored_once(network: nn.Module) -> Weights:
    """Return a network's tensors, of those with several names the first one only."""
    own = network.state_dict()
    again = {name for names in twins(own) for name in names[1:]}
    return {name: tensor for name, tensor in own.items() if name not in again}


def _under(key: str, found: list[str], content: Content) -> list[str]:
    chosen = places.under(key, found)
    if chosen:
        return chosen
    raise UserError(
        "There are no weights of this architecture under the key (--weights-key)",
        got=f"{key} in {content.path}",
        allowed=first_few([place.rstrip(".") for place in found if place], 8) or "none is needed",
    )


def _head_alone(fit: Fit, wanted: Wanted) -> bool:
    """Tell whether nothing of the body is there, so that it could be any network's."""
    body = set(wanted.tensors) - wanted.head.keys()
    return bool(body) and not body & set(fit.taken)


def _same(one: Fit, other: Fit) -> bool:
    if one.taken.keys() != other.taken.keys():
        return False
    return all(torch.equal(tensor, other.taken[name]) for name, tensor in one.taken.items())


def _check_finite(fit: Fit, wanted: Wanted, path: Path) -> None:
    """Refuse values that no training gives; masks and bounds are infinite in the network itself."""
    for name, tensor in fit.taken.items():
        if not (torch.isfinite(tensor) | (tensor == wanted.tensors[name])).all():
            raise UserError(f"The weights hold NaN or infinite values, first in {name}", got=path)
