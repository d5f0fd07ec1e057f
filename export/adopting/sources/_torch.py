"""What the kinds share that PyTorch runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.quiet import quiet
from export.adopting.sources._source import REVERSED, Adapter, Floats, Shape, first_line
from models.basis.single import NARROW, floats_of, name
from models.onnx_graph.write import probs_to_onnx
from models.precision import computes_in


@dataclass(frozen=True)
class TorchSource:
    """A network that PyTorch runs."""

    network: nn.Module
    input_shape: Shape | None
    traced: bool = False
    """Whether it can only be exported by tracing, as TorchScript can."""
    labels: tuple[str, ...] | None = None
    image: ImageSpec | None = None

    def run(self, image: Floats) -> Floats:
        """Return what the network makes of one image in its own layout.

        Raises:
            UserError: it fails, or returns something else than one tensor in float32.
        """
        try:
            with quiet(), torch.no_grad():
                found = self.network(torch.from_numpy(image))
        except Exception as error:  # whatever the code of a stranger raises
            raise _failed(image, error) from None
        output = _only(found)
        if output.dtype in NARROW:
            raise computes_in(output.dtype, "what it returns")
        made: Floats = output.float().numpy()
        return made

    def write(self, adapter: Adapter, spec: ImageSpec, path: Path) -> None:
        """Write an ONNX file.

        Raises:
            UserError: the network has an operation that cannot be exported.
        """
        probs_to_onnx(Adapted(self.network, adapter), spec, path, self.traced)


def require_single(network: nn.Module, path: Path) -> None:
    """Refuse a file with weights in another precision: its graph has that written into it.

    Raises:
        UserError: it is one.
    """
    others = [name(dtype) for dtype in floats_of(network) if dtype != torch.float32]
    if others:
        raise UserError(
            f"The network computes in {', '.join(others)}",
            got=path,
            allowed="float32",
            next_step="where it was made, save it again after model.float(); small files are made "
            "of it afterwards with python -m export.onnx --quantize fp16 or int8",
        )


class Adapted(nn.Module):
    """A network from elsewhere, which takes our images and returns our probabilities."""

    def __init__(self, network: nn.Module, adapter: Adapter) -> None:
        super().__init__()
        self.network = network
        self._adapter = adapter

    def train(self, mode: bool = True) -> "Adapted":
        """Leave the network as it is: its graph is fixed, and some refuse to be asked."""
        self.training = mode
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Return probabilities `[n, labels]` of images `[n, channels, h, w]`."""
        adapter = self._adapter
        own = image.index_select(1, torch.tensor(REVERSED)) if adapter.turned else image
        found = _only(self.network(own.permute(0, 2, 3, 1) if adapter.layout == "NHWC" else own))
        found = found if adapter.flat else found.reshape(1, -1)
        probs = found.sigmoid() if adapter.output == "logits" else found
        return (
            probs if adapter.order is None else probs.index_select(1, torch.tensor(adapter.order))
        )


def _only(found: Any) -> Tensor:
    """Return the one tensor that a network has returned.

    Raises:
        UserError: it has returned something else.
    """
    while isinstance(found, list | tuple) and len(found) == 1:
        found = found[0]
    if not isinstance(found, Tensor):
        size = f" of {len(found)}" if isinstance(found, list | tuple | dict) else ""
        raise UserError(
            "The network does not return one tensor",
            got=f"a {type(found).__name__}{size}",
            allowed="[1, labels]",
            next_step="wrap it in a module that returns the tensor of the labels, and save that",
        )
    return found


def _failed(image: Floats, error: Exception) -> UserError:
    if isinstance(error, UserError):
        return error
    return UserError(
        f"The network does not run on an image ({type(error).__name__}: {first_line(error)})",
        got=f"float32 {list(np.shape(image))}",
        next_step="say what it takes: --image-size, --layout NCHW or NHWC, --channels 1 or 3",
    )
