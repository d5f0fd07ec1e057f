"""Rewrites of an architecture before it is trained, one a file: `rewrite(network)` and `REMOVES`.

`rewrite` changes layers of a network in place, by what they are and never by their weights, and
returns the names of those it changed. `REMOVES` are the operators that a network is then without.
An `Architecture` records them by name, and whoever builds it replays them (`models.families.build`)
before its pruning.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from edgepress.core import registry
from edgepress.core.source import source_hash
from models.basis.torch_process import evaluating

INT8_FRIENDLY = ("relu6", "no-squeeze-excite")
"""What integer kernels like: every activation is a clamp, and nothing waits for a mean of maps."""


def apply(network: nn.Module, names: Sequence[str]) -> dict[str, list[str]]:
    """Rewrite a network in place, in this order; return the layers that each rewrite has changed.

    Raises:
        UserError: an unknown rewrite (the closest is offered).
    """
    return {name: _find(name).rewrite(network) for name in names}


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of rewrites as they are recorded, each once.

    Raises:
        UserError: an unknown rewrite (the closest is offered).
    """
    public = (_find(name).__name__.rpartition(".")[2].replace("_", "-") for name in names)
    return tuple(dict.fromkeys(public))


def sources(names: Sequence[str]) -> list[str]:
    """Return a hash of what each rewrite does, in order.

    Raises:
        UserError: an unknown rewrite (the closest is offered).
    """
    return [source_hash(_find(name).__name__) for name in names]


def left_over(network: nn.Module, names: Sequence[str], images: Tensor) -> list[str]:
    """Return the operators that rewrites were to remove, and that the network still computes.

    Its forward calls them itself, where there is no layer that a rewrite could change.

    Args:
        network: Rewritten; it is left as it is.
        names: Of its rewrites.
        images: `[n, channels, h, w]`, to run it once.
    """
    removed = {operator for name in names for operator in _find(name).REMOVES}
    computed = _Computed()
    with evaluating(network), torch.no_grad(), computed:
        network(images)
    return sorted(removed & computed.operators)


class _Computed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes which operators are computed, by ATen's names without the mark of those in place."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: set[str] = set()

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Note an operator and compute it."""
        self.operators.add(func.overloadpacket.__name__.rstrip("_"))
        return func(*args, **(kwargs or {}))


def _find(name: str) -> ModuleType:
    return registry.find(__name__, name, "rewrite")
