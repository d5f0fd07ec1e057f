"""Architecture families, one file each: `knows(name)`, `names()`, `build(name, n_labels, kwargs)`.

`build` returns a network that maps float32 `[n, channels, h, w]` to logits `[n, n_labels]`.
`channels_argument(name)` is the keyword argument that says how many channels, `None` where there is
none. `native(name)` says how the images of its published weights are (`_native.py`). A family whose
networks are made of files of the user's own names these by `files(name)`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from torch import nn

from edgepress.core import registry
from edgepress.core.errors import PROGRAM_FAILS, UserError, told, unknown_name
from edgepress.core.hashing import value_hash
from edgepress.core.manifest import Architecture
from edgepress.core.source import computing, source_hash
from models import rewrites
from models.basis.single import in_single
from models.basis.torch_process import seeded
from models.families._native import Native

MEND = "mend the factory, or what --arch-kwargs gives it"


def build(architecture: Architecture, n_labels: int) -> nn.Module:
    """Build a network by name with random weights, whole: `models.stored` replays its pruning.

    Weights in another precision are made float32. Its rewrites are applied.

    Raises:
        UserError: unknown architecture or rewrite (the closest is offered), or arguments it does
            not take.
    """
    family = find(architecture.name)
    network: nn.Module = family.build(architecture.name, n_labels, architecture.kwargs)
    network = in_single(network, architecture.name)
    rewrites.apply(network, architecture.rewrites)
    return network


def skeleton(architecture: Architecture, n_labels: int) -> nn.Module:
    """Build a network whose weights do not matter; the generators stay as they were.

    Raises:
        UserError: as `build`.
    """
    with seeded(0):
        return build(architecture, n_labels)


def in_channels(architecture: Architecture, channels: int) -> Architecture:
    """Return an architecture with the argument of its family that sets how many channels it takes.

    Raises:
        UserError: unknown architecture (the closest is offered).
    """
    argument = find(architecture.name).channels_argument(architecture.name)
    if argument is None:
        return architecture
    kwargs = {**architecture.kwargs, argument: channels}
    return architecture.model_copy(update={"kwargs": kwargs})


def native(architecture: Architecture) -> Native:
    """Return how the images are that an architecture's published weights were trained with.

    Raises:
        UserError: unknown architecture (the closest is offered).
    """
    found: Native = find(architecture.name).native(architecture.name)
    size = architecture.kwargs.get("img_size")  # timm's word for networks made for one size
    return replace(found, size=size) if isinstance(size, int) else found


def native_size(architecture: Architecture) -> int | None:
    """Return the side of these images, pixels; `None` where nobody says.

    Raises:
        UserError: unknown architecture (the closest is offered).
    """
    return native(architecture).size


def identity(name: str, rewritten: Sequence[str] = ()) -> str:
    """Return a hash of what builds a network of this name: its family, and the user's own files.

    What rewrites it is in it too.

    Raises:
        UserError: no family has it, or there is no such rewrite (the closest is offered).
    """
    family = find(name)
    files = family.files(name) if hasattr(family, "files") else ()
    own = [computing(file) for file in files] + rewrites.sources(rewritten)
    return value_hash([name, source_hash(family.__name__), own])


def call(factory: object, shown_name: str, /, **kwargs: object) -> nn.Module:
    """Call a factory of networks, turning wrong arguments into a clear message.

    Raises:
        UserError: the factory refuses its arguments, fails, or returns something else than a
            network.
    """
    try:
        network = factory(**kwargs)  # type: ignore[operator]
    except PROGRAM_FAILS as error:  # a factory is the user's program
        shown = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
        raise UserError(
            f"{shown_name} cannot be built with {shown} ({told(error)})", next_step=MEND
        ) from None
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{shown_name} returned a {type(network).__name__}, not a torch.nn.Module",
            next_step=MEND,
        )
    return network


def find(name: str) -> ModuleType:
    """Return the family that has an architecture of this name.

    Raises:
        UserError: none has (the closest is offered).
    """
    families = known()
    for family in families:
        if family.knows(name):
            return family
    if "/" in name or "\\" in name:
        raise _no_name(name)
    raise unknown_name("architecture", name, [one for family in families for one in family.names()])


def known() -> tuple[ModuleType, ...]:
    """Return the families."""
    return tuple(registry.find(__name__, family, "family") for family in registry.names(__name__))


def _no_name(path: str) -> UserError:
    """Return the error for what is no architecture's name, but looks like a path."""
    there = Path(path).exists()
    return UserError(
        "This is no artifact, and no architecture is called so"
        if there
        else "There is no such folder, and no architecture is called so",
        got=path,
        allowed="a name of timm or torchvision, package.module:factory, or, where a model may go "
        "on, the folder of an artifact",
    )
