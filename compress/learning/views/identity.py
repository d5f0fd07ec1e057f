"""What names the stored answers of a teacher: another one, other images or views share none."""

import hashlib

import numpy as np
import torch
from torch import Tensor, nn

from compress.learning.loading import Rows, TrainingImages
from compress.learning.views.replay import Replay
from edgepress.core.hashing import value_hash
from edgepress.core.source import own_source, versions

_BLOCK = 1024
"""Images that are read at a time."""
_SOURCE = ("compress.learning.augmentation", "compress.learning.views.replay")


def key(
    replay: Replay, network: nn.Module, images: TrainingImages, batch: int, device: torch.device
) -> str:
    """Return what names the answers: of whom, to what, and how they are computed.

    The number of views is not in it: more views add files, fewer use the first ones. What decides
    the last bits of an answer is: the size of the batches, the kind of device, the libraries.
    """
    shown = [replay.how.view_names, replay.how.strength, replay.seed, replay.shape]
    asked = [teacher_content(network), _pixels(images), images.spec.model_dump(mode="json")]
    machine = [device.type, torch.cpu.get_capabilities(), versions(("torch", "numpy"))]
    return value_hash([shown, asked, batch, machine, own_source(*_SOURCE)])


def teacher_content(network: nn.Module) -> str:
    """Hash a network's layers and weights, and what it adds to its state (`get_extra_state`)."""
    found = hashlib.sha256(repr(network).encode())
    for name, value in network.state_dict().items():
        found.update(name.encode())
        if isinstance(value, Tensor):
            found.update(f"{value.dtype} {list(value.shape)}".encode())
            flat = value.detach().cpu().contiguous().reshape(-1)
            found.update(flat.view(torch.uint8).numpy().data)
        else:
            found.update(repr(value).encode())
    return found.hexdigest()


def _pixels(images: TrainingImages) -> str:
    """Hash the training part's images, in their order."""
    found, part = hashlib.sha256(), Rows(images)
    for first in range(0, len(part), _BLOCK):
        block = part.pixels[part.rows[first : first + _BLOCK]]
        found.update(np.ascontiguousarray(block).data)
    return found.hexdigest()
