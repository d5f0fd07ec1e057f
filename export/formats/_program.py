"""A PyTorch artifact as a `torch.export` program, which the converters of three formats read."""

from typing import Any

from compress.core.quiet import quiet
from export.formats._format import Source


def program(source: Source) -> Any:
    """Return the network with its sigmoid as an exported program of one image.

    It maps float32 `[1, 3, height, width]` to probabilities `[1, labels]`.
    """
    # Imported here: formats that are made from ONNX do not wait for torch.
    import torch

    from models.onnx_graph.write import WithSigmoid
    from models.stored import load_network

    image = source.given.manifest.image
    network = WithSigmoid(load_network(source.given)).eval()
    with quiet(), torch.no_grad():
        return torch.export.export(network, (torch.zeros(1, 3, image.height, image.width),))
