"""What a network does when it is run once, before the work: what would end or spoil that later."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from edgepress.core import console
from edgepress.core.alike import REWRITTEN
from edgepress.core.errors import PROGRAM_FAILS, UserError, told
from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import evaluating
from models.network_reading import (
    Reading,
    adds_up,
    chosen,
    copies_images,
    example,
    extremes,
    fitting,
    make_readable,
    reading_of,
    run,
)

CHANNELS = (3, 1)
"""Channels of an image that may be asked of a network, in the order in which they are tried."""
SAME = REWRITTEN.probs
IMAGES = 2
"""The fewest that a batch norm can be trained with."""
NARROW = 2.0
"""Logits that stay within it leave every probability between 0.12 and 0.88."""


def channels_taken(network: nn.Module, height: int, width: int) -> int:
    """Return the channels of the images that a network takes: 3, or 1 where it fails with 3.

    Args:
        network: It is left as it is, in its mode.
        height: Of the image it is tried with, pixels.
        width: Of the image it is tried with, pixels.

    Raises:
        UserError: it fails with images of either; the message is that of 3 channels.
    """
    failures = []
    for channels in CHANNELS:
        why = objection(network, torch.zeros(1, channels, height, width))
        if why is None:
            return channels
        failures.append(why)
    other = _other_channels(network, height, width)
    if other is not None:
        raise UserError(
            "The network takes images of another number of channels",
            got=f"{other} ({failures[0]})",
            allowed="3 (RGB) or 1 (grey)",
            next_step="let its first layer take 3 channels, or 1: --channels sets an argument "
            "in_chans of its factory",
        )
    raise UserError(
        f"The network cannot be run ({failures[0]})",
        got=f"an image of shape {[1, CHANNELS[0], height, width]}",
        next_step="mend its forward, or give the images the size that it takes",
    )


def _other_channels(network: nn.Module, height: int, width: int) -> int | None:
    """Return how many channels a network takes that runs on neither 3 nor 1, `None` if it does not.

    Those of each convolution are tried: which of them is the first is not known before it runs.
    """
    convolutions = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    declared = sorted({layer.in_channels for layer in convolutions} - set(CHANNELS))
    runs = (n for n in declared if objection(network, torch.zeros(1, n, height, width)) is None)
    return next(runs, None)


def objection(network: nn.Module, images: Tensor) -> str | None:
    """Return why a network does not run on images, `None` where it does; it is left as it is."""
    try:
        with evaluating(network), torch.no_grad():
            network(images)
    except PROGRAM_FAILS as error:
        return told(error)
    return None


def try_out(network: nn.Module, n_labels: int, spec: ImageSpec, training: bool = True) -> None:
    """Run a network as the work will, and say what is unusual about it.

    Args:
        network: Freshly built; it is used up, for running it in training mode changes it.
        n_labels: Labels it was built for.
        spec: Size of its images.
        training: Whether it will be trained.

    Raises:
        UserError: it fails, does not return one number per label, answers the same images
            differently, or cannot be trained.
    """
    make_readable(network, n_labels, spec)
    images = example(spec, IMAGES)
    with evaluating(network), torch.no_grad():
        answers = run(network, images)
        _require_same(answers, run(network, images))
        alone = torch.cat([run(network, images[row : row + 1]) for row in range(len(images))])
        low, high = extremes(network, images[:1])
        several = _of_several(run(network, images, raw=True), n_labels, training=False)
    for remark in (
        *_of_forward(network, answers, alone),
        *several,
        *_of_output(network, low, high),
        *(_require_trainable(network, n_labels, images) if training else ()),
    ):
        console.warn(remark)


def _require_same(first: Tensor, second: Tensor) -> None:
    """Refuse a network whose answers are left to chance: it could not be known again.

    Raises:
        UserError: it is one.
    """
    if torch.allclose(first, second, rtol=SAME, atol=SAME, equal_nan=True):
        return
    raise UserError(
        "The network answers the same images differently each time in eval mode",
        got=f"answers that differ by up to {float((first - second).abs().max()):.2g}",
        next_step="let it draw nothing at random there, e.g. "
        "torch.nn.functional.dropout(x, training=self.training)",
    )


def _of_several(output: object, n_labels: int, training: bool) -> list[str]:
    """Return which of several outputs is taken."""
    names = list(fitting(output, IMAGES, n_labels))
    if len(names) < 2:
        return []
    mode = "in training mode " if training else ""
    taken = chosen(names, training)
    return [
        f"{mode}the network returns {', '.join(names)}, each as wide as the labels: {taken} "
        "is taken for them"
    ]


def _of_forward(network: nn.Module, answers: Tensor, alone: Tensor) -> list[str]:
    remarks = []
    if not torch.isfinite(answers).all():
        remarks.append("the network's answers to images of noise are no finite numbers")
    if copies_images(network):
        remarks.append("the network changes the images that it is given: it gets a copy")
    if not torch.allclose(answers, alone, rtol=SAME, atol=SAME, equal_nan=True):
        remarks.append(
            "the network's answer to an image depends on the others of its batch: on a device, one "
            "at a time, it will answer otherwise than it is measured here"
        )
    return remarks


def _of_output(network: nn.Module, low: Tensor, high: Tensor) -> list[str]:
    """Return what is unusual about the output, which `extremes` has shown."""
    reading, both = reading_of(network), torch.stack([low, high])
    if reading is not None and reading.form != "logits":
        return _of_probabilities(reading, both)
    lowest, highest = float(both.min()), float(both.max())
    if torch.equal(low, high):
        return []
    if lowest >= 0:
        return [
            "the network's outputs are never negative: taken as logits, no label can be less "
            "likely than 1/2 (a last ReLU?)"
        ]
    if -NARROW <= lowest < highest <= NARROW:
        return [
            f"the network's outputs stay between {lowest:.2g} and {highest:.2g}: taken as logits, "
            "no label can be certain (a last tanh?)"
        ]
    return []


def _of_probabilities(reading: Reading, both: Tensor) -> list[str]:
    """Return what follows from outputs that are probabilities, or their logarithms."""
    what = "probabilities" if reading.form == "probs" else "logarithms of probabilities"
    where = (
        ", not logits"
        if reading.in_training != "logits"
        else (" in eval mode, and logits in training mode")
    )
    remarks = [f"the network returns {what}{where}: taken as such"]
    if adds_up(both.sigmoid()):
        remarks.append(
            "they add up to 1, as of a softmax: two labels of one image cannot both be likely; let "
            "it return logits where they can"
        )
    return remarks


def _require_trainable(network: nn.Module, n_labels: int, images: Tensor) -> list[str]:
    """Refuse a network that fails in training mode, or whose output no weight moves.

    Returns:
        What is unusual about it there.

    Raises:
        UserError: it does.
    """
    network.train()
    several = _of_several(run(network, images, raw=True), n_labels, training=True)
    logits = run(network, images)
    if not logits.requires_grad:
        raise UserError(
            "The network cannot be trained: no weight has a gradient",
            next_step="let its weights ask for gradients (requires_grad), and leave no_grad and "
            "detach out of its forward",
        )
    try:
        binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, 0.5)).backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        raise UserError(f"The network cannot be trained ({told(error)})") from None
    return several
