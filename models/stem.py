"""The stem of a network: of how many channels it is, and weights of three for one of one."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.wording import counted
from models import families, norms
from models.blank import blank_image
from models.network_trial import channels_taken, objection

Weights = Mapping[str, Tensor]


def resolved(
    architecture: Architecture, spec: ImageSpec, wanted: Channels | None
) -> tuple[Architecture, Channels]:
    """Return what builds a network of the wanted number of channels, and how many these are.

    Where none is wanted, it is what the network takes. A family is told the number only where its
    network would take another one.

    Raises:
        UserError: the architecture cannot be built, or not for this number of channels.
    """
    network = families.skeleton(architecture, n_labels=2)
    if wanted is None:
        taken: Channels = 1 if channels_taken(network, spec.height, spec.width) == 1 else 3
        return architecture, taken
    spec = spec.in_channels(wanted)
    why = objection(network, blank_image(spec))
    if why is not None:
        changed = families.in_channels(architecture, wanted)
        if changed != architecture:
            architecture = changed
            why = objection(families.skeleton(changed, n_labels=2), blank_image(spec))
    if why is not None:
        raise UserError(
            f"The network does not take images of {counted(wanted, 'channel')} ({why})",
            got=architecture.name,
            next_step="give its factory an argument in_chans that sets them, or leave --channels "
            "out",
        )
    return architecture, wanted


def as_taught(
    architecture: Architecture, spec: ImageSpec, wanted: Channels | None = None
) -> tuple[Architecture, Channels]:
    """Return what builds a student given by name, and its channels.

    Those are the ones asked for, else those of the teacher's images where its family can be told
    them, else what it takes.

    Raises:
        UserError: the architecture cannot be built, or not for so many channels.
    """
    if wanted is None and spec.channels == 1:
        architecture = families.in_channels(architecture, 1)
    return resolved(architecture, spec, wanted)


def summed(weights: Weights, network: nn.Module, spec: ImageSpec) -> Weights:
    """Return weights of three channels for the same network of one, which then answers grey alike.

    A stem of weights `W[o, c]` sees in channel c of a grey photograph of pixels p in 0..1 the value
    `(p - mean_c) / std_c`, where the network of one channel sees `x = (p - mean) / std`. So

        sum_c W[o, c] * (p - mean_c) / std_c  =  W'[o] * x + b[o]
        W'[o] = sum_c W[o, c] * std / std_c
        b[o]  = sum_c sum(W[o, c]) * (mean - mean_c) / std_c

    with ImageNet's `mean_c` and `std_c`. `b` goes into the stem's bias, or out of the mean that a
    batch norm behind it has stored; where neither is there it is left out, and learnt. Padding is
    0 before and after, so at the edge of the image `b` is too much by what the taps outside add.

    Args:
        weights: By the network's names; those that fit already stay as they are.
        network: Of one channel, in which the weights are to be loaded.
        spec: The images that it takes.
    """
    found = dict(weights)
    for name in _stems(weights, network) if spec.channels == 1 else ():
        wide = weights[name]
        scale, shift = (part.to(wide) for part in _grey(spec))
        # Of stems that gather places before, colours vary fastest.
        parts = wide.reshape(len(wide), -1, 3, *wide.shape[2:])
        found[name] = (parts * scale.view(3, 1, 1)).sum(2)
        found |= _shifted(found, network, name, (parts.sum((1, 3, 4)) * shift).sum(1), spec)
    return found


def summed_and_said(weights: Weights, network: nn.Module, spec: ImageSpec) -> Weights:
    """Return the same as `summed`, and say where weights were added up."""
    found = summed(weights, network, spec)
    for name in found:
        if found[name].shape != weights[name].shape:
            console.say(f"the weights of three channels are added up for grey images ({name})")
    return found


def _grey(spec: ImageSpec) -> tuple[Tensor, Tensor]:
    """Return what each of the three channels is in terms of the one: a factor and a distance."""
    colour = ImageSpec()
    mean, std = torch.tensor(colour.mean), torch.tensor(colour.std)
    return spec.std[0] / std, (spec.mean[0] - mean) / std


def _stems(weights: Weights, network: nn.Module) -> Iterator[str]:
    """Yield the names of convolutions' weights that read three times the channels they should."""
    for name, own in network.state_dict().items():
        given = weights.get(name)
        if own.ndim == 4 and given is not None and given.ndim == 4:
            out, read, *kernel = own.shape
            if given.shape == (out, 3 * read, *kernel):
                yield name


def _shifted(
    weights: Weights, network: nn.Module, name: str, shift: Tensor, spec: ImageSpec
) -> dict[str, Tensor]:
    """Return what has to be changed so that the stem, or what reads it, adds `shift`."""
    layer = name.removesuffix(".weight")
    bias = f"{layer}.bias"
    if bias in weights:
        return {bias: weights[bias] + shift}
    names = {module: found for found, module in network.named_modules()}
    for stem, norm in norms.pairs(network, blank_image(spec)):
        mean = f"{names[norm]}.running_mean"
        if names[stem] == layer and mean in weights:
            return {mean: weights[mean] - shift}
    return {}
