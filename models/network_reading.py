"""How what a network returns is read as logits `[n, labels]`, and its images are kept.

Networks are written for many programs: they return a dict, a tuple with auxiliary outputs, a map of
one pixel, probabilities. A hook on the network makes logits of it wherever the network is called,
so that what is trained, measured, pruned and exported is one and the same.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from edgepress.core.errors import PROGRAM_FAILS, UserError, told
from edgepress.core.image_spec import ImageSpec
from models.basis.single import NARROW
from models.basis.torch_process import evaluating
from models.network_output import output_layers
from models.precision import computes_in, only_single

Form = Literal["logits", "probs", "log_probs"]

NAMES = ("logits", "output", "out", "prediction", "predictions", "preds", "scores", "y")
"""What the output of the labels is called where several are as wide."""
SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, where the logit is not finite."""
EXTREME = 80.0
"""As a logit it leaves no doubt of a label, and its exponential is still a float32."""


@dataclass(frozen=True)
class Reading:
    """A forward hook that returns a network's output as logits `[n, labels]`."""

    n_labels: int
    form: Form = "logits"
    in_training: Form = "logits"
    """Of a network that returns logits for its loss, and probabilities in eval mode only."""

    def __call__(self, network: nn.Module, inputs: tuple[Tensor], output: Any) -> Tensor:
        """Return logits."""
        found = labelled(output, len(inputs[0]), self.n_labels, network.training)
        form = self.form_in(network.training)
        return found if form == "logits" else _logits(_probs(found, form))

    def form_in(self, training: bool) -> Form:
        """Return what the network returns in a mode."""
        return self.in_training if training else self.form


class Images:
    """A hook before a network that changes its images: it is given a copy."""

    def __call__(self, _network: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        """Return a copy of the images."""
        return (inputs[0].clone(),)


def make_readable(network: nn.Module, n_labels: int, spec: ImageSpec) -> None:
    """Let a network return logits `[n, n_labels]` of images of a spec, whatever it returned.

    It depends on what the network does, and not on its weights.

    Raises:
        UserError: it fails, computes in half precision, or nothing that it returns is one number
            per label.
    """
    images = example(spec)
    kept = images.clone()
    with evaluating(network), torch.no_grad():
        with only_single(network):
            output = run(network, images)
        found = labelled(output, len(images), n_labels)
        if found.dtype in NARROW:
            raise computes_in(found.dtype, "what it returns")
        if not torch.equal(images, kept):
            network.register_forward_pre_hook(Images())
        hook = network.register_forward_hook(Reading(n_labels))
        form = _form(network, kept[:1]) if _may_be_probabilities(found) else "logits"
        in_training = "logits" if form == "logits" else _form_in_training(network, kept[:1], form)
    if form != "logits":
        hook.remove()
        network.register_forward_hook(Reading(n_labels, form, in_training))


def probabilities(network: nn.Module, images: Tensor) -> Tensor:
    """Return a network's probabilities `[n, labels]`, its own ones where it returns such."""
    reading = reading_of(network)
    form = "logits" if reading is None else reading.form_in(network.training)
    if reading is None or form == "logits":
        probs: Tensor = network(images).sigmoid()
        return probs
    images = images.clone() if copies_images(network) else images
    found = labelled(network.forward(images), len(images), reading.n_labels, network.training)
    return _probs(found, form)


def reading_of(network: nn.Module) -> Reading | None:
    """Return how a network is read, `None` where nobody has said so."""
    hooks = network._forward_hooks.values()
    return next((hook for hook in hooks if isinstance(hook, Reading)), None)


def copies_images(network: nn.Module) -> bool:
    """Tell whether a network is given a copy of its images, because it changes them."""
    return any(isinstance(hook, Images) for hook in network._forward_pre_hooks.values())


def example(spec: ImageSpec, n: int = 2) -> Tensor:
    """Return normalised images `[n, c, h, w]` of noise, always the same."""
    draws = torch.Generator().manual_seed(0)
    return torch.randn(n, *spec.shape, generator=draws)


def run(network: nn.Module, images: Tensor, raw: bool = False) -> Any:
    """Run a network, which may be the user's own program and fail as any program does.

    Args:
        network: In any mode.
        images: `[n, 3, h, w]`
        raw: Whether what it returns itself is wanted, and not what it is read as.

    Raises:
        UserError: it fails.
    """
    try:
        return network.forward(images.clone()) if raw else network(images)
    except PROGRAM_FAILS as error:
        mode = "in training mode" if network.training else "in eval mode"
        raise UserError(
            f"The network cannot be run {mode} ({told(error)})",
            got=f"images of shape {list(images.shape)}",
            next_step="mend its forward, or give the images the size that it takes (--image-size)",
        ) from None


def labelled(output: Any, n: int, n_labels: int, training: bool = False) -> Tensor:
    """Return the one tensor `[n, n_labels]` of an output; axes of one do not matter.

    Of several as wide the one with a usual name is taken; in training mode, where auxiliary outputs
    come after the main one, the first.

    Raises:
        UserError: there is none, or which one is meant is not clear.
    """
    found = fitting(output, n, n_labels)
    name = chosen(list(found), training)
    if name is not None:
        return found[name].reshape(n, n_labels)
    raise UserError(
        "The network does not return one number per label",
        got=f"{_shown(output)} for {n} images",
        allowed=f"a tensor of shape [{n}, {n_labels}], alone or the only one of that shape in a "
        "dict or a tuple",
        next_step="let its forward return logits [n, labels]",
    )


def fitting(output: Any, n: int, n_labels: int) -> dict[str, Tensor]:
    """Return the tensors of an output that hold a number per label, by their names in it."""
    wanted = _without_ones((n, n_labels))
    return {
        n: tensor for n, tensor in _tensors(output, "") if _without_ones(tensor.shape) == wanted
    }


def chosen(names: list[str], training: bool) -> str | None:
    """Return which of several outputs that fit is meant, `None` where that is not clear.

    >>> chosen(["aux", "heads.logits"], training=False)
    'heads.logits'
    """
    last = {name.rpartition(".")[2]: name for name in names}
    named = next((last[name] for name in NAMES if name in last), None)
    return names[0] if named is None and names and (len(names) == 1 or training) else named


def _tensors(output: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(output, Tensor):
        yield name, output
    for key, inside in _parts(output):
        yield from _tensors(inside, f"{name}.{key}" if name else str(key))


def _parts(output: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(output, Mapping):  # also the outputs of transformers
        yield from output.items()
    elif hasattr(output, "_asdict"):
        yield from output._asdict().items()
    elif isinstance(output, list | tuple):
        yield from enumerate(output)
    elif is_dataclass(output):
        yield from ((one.name, getattr(output, one.name)) for one in fields(output))


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _shown(output: Any) -> str:
    if isinstance(output, Tensor):
        return f"shape {list(output.shape)}"
    tensors = list(_tensors(output, ""))[:5]
    inside = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors)
    return f"a {type(output).__name__} of {inside or 'no tensor'}"


def _may_be_probabilities(found: Tensor) -> bool:
    return bool(((found >= 0) & (found <= 1)).all()) or bool((found <= 0).all())


def _form(network: nn.Module, images: Tensor) -> Form:
    """Return what the output of a network is, by what becomes of very small and large logits.

    A probability stays between 0 and 1, and its logarithm below 0. A softmax does not tell logits
    that are all large from such that are all small, but its probabilities add up to 1.
    """
    both = torch.stack(extremes(network, images))
    moves = not torch.equal(both[0], both[1])
    if ((both >= 0) & (both <= 1)).all() and (moves or adds_up(both)):
        return "probs"
    return "log_probs" if (both <= 0).all() and (moves or adds_up(both.exp())) else "logits"


def _form_in_training(network: nn.Module, images: Tensor, form: Form) -> Form:
    """Return what a network returns in training mode that returns probabilities in eval mode.

    Layers with buffers (running means) stay in eval mode, so that they stay as they are.
    """
    with evaluating(network), torch.random.fork_rng(devices=[]):
        for layer in network.modules():
            layer.training = not any(True for _ in layer.buffers(recurse=False))
        try:
            found = _form(network, images)
        except UserError:  # it fails so: who trains it is told
            return form
    return found


def adds_up(probs: Tensor) -> bool:
    """Tell whether probabilities `[..., labels]` are those of a softmax, which add up to 1."""
    total = probs.sum(-1)
    return bool(torch.isclose(total, torch.ones_like(total), atol=1e-4).all())


def extremes(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return a network's outputs where all that its last layers make is `-EXTREME`, and `EXTREME`.

    Where no layer makes the output it stays as it is.
    """
    try:
        layers = output_layers(network, images)
    except UserError:
        layers = []
    return _filled(network, images, layers, -EXTREME), _filled(network, images, layers, EXTREME)


def _filled(network: nn.Module, images: Tensor, layers: list[str], value: float) -> Tensor:
    with ExitStack() as hooks:
        for name in layers:
            layer = network.get_submodule(name)
            fill = layer.register_forward_hook(lambda *called: torch.full_like(called[2], value))
            hooks.enter_context(fill)
        filled: Tensor = run(network, images)
    return filled


def _probs(found: Tensor, form: Form) -> Tensor:
    """Return probabilities `[n, labels]` of what a network itself returns."""
    return found.exp() if form == "log_probs" else found


def _logits(probs: Tensor) -> Tensor:
    return torch.logit(probs.float(), SMALLEST)
