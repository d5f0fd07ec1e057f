"""What a network does when it is run once: how many channels of an image it takes."""

import torch
from torch import nn

from compress.core.errors import UserError, told
from models.torch_process import evaluating

CHANNELS = (3, 1)
"""Channels of an image that may be asked of a network, in the order in which they are tried."""


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
    with evaluating(network), torch.no_grad():
        for channels in CHANNELS:
            try:
                network(torch.zeros(1, channels, height, width))
            except Exception as error:  # it may be the user's own program, and fail as any does
                failures.append(told(error))
            else:
                return channels
    raise UserError(
        f"The network cannot be run ({failures[0]})",
        got=f"an image of shape {[1, CHANNELS[0], height, width]}",
        next_step="mend its forward, or give the images the size that it takes",
    )
