"""Which blocks of a network may be taken out whole: residual ones, `x + f(x)`, which leave `x`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from models.basis.torch_process import evaluating
from models.network_output import LAYERS

_ADDING = (torch.ops.aten.add, torch.ops.aten.add_)


def residual_blocks(network: nn.Module, images: Tensor) -> tuple[str, ...]:
    """Return the names of the innermost blocks that add their input to what they make of it.

    Each has layers with weights, one tensor in and one of the same shape out, and the network runs
    on without it: a trial has shown that.

    Args:
        network: It is left as it is.
        images: `[n, channels, height, width]` as the network takes them.
    """
    with evaluating(network), torch.no_grad():
        names = _adding(network, images)
        inner = [name for name in names if not any(o.startswith(f"{name}.") for o in names)]
        answers: Tensor = network(images)
        return tuple(name for name in inner if _runs_without(network, name, images, answers))


@contextmanager
def without(network: nn.Module, block: str) -> Iterator[nn.Module]:
    """Let a network be without a block for a while."""
    owner, _, name = block.rpartition(".")
    within = network.get_submodule(owner)
    taken = within._modules[name]
    within._modules[name] = nn.Identity()
    try:
        yield network
    finally:
        within._modules[name] = taken


class _Additions(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes which of the modules that are running add the very tensor that they were given."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.running: list[tuple[str, Any]] = []
        """(name, what it was given), the outermost first."""
        self.adding = set[str]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func.overloadpacket in _ADDING:
            terms = [id(term) for term in args if isinstance(term, Tensor)]
            self.adding |= {name for name, given in self.running if id(given) in terms}
        return func(*args, **(kwargs or {}))


def _adding(network: nn.Module, images: Tensor) -> list[str]:
    """Return the modules with weights that add their input and keep its shape, every time."""
    seen, reshaping = _Additions(), set[str]()

    def watched(name: str) -> tuple[Any, Any]:
        def before(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            seen.running.append((name, inputs[0] if len(inputs) == 1 else None))

        def after(_module: nn.Module, _inputs: Any, output: Any) -> None:
            _, given = seen.running.pop()
            if getattr(output, "shape", None) != getattr(given, "shape", ()):
                reshaping.add(name)

        return before, after

    weighted = [name for name, module in network.named_modules() if name and _has_weights(module)]
    with ExitStack() as hooks:
        for name in weighted:
            before, after = watched(name)
            module = network.get_submodule(name)
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(after))
        with seen:
            network(images)
    return [name for name in weighted if name in seen.adding - reshaping]


def _has_weights(module: nn.Module) -> bool:
    return any(isinstance(part, LAYERS) for part in module.modules())


def _runs_without(network: nn.Module, block: str, images: Tensor, answers: Tensor) -> bool:
    try:
        with without(network, block):
            made: Tensor = network(images)
    except Exception:  # a network may look into its blocks in whatever way it does
        return False
    return made.shape == answers.shape and bool(made.isfinite().all())
