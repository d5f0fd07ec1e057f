"""TorchScript: what `torch.jit.save` has written. torch no longer develops it."""

from pathlib import Path

import torch

from edgepress.core.quiet import quiet
from export.adopting.sources._source import damaged
from export.adopting.sources._torch import TorchSource, require_single
from models.network_files.torchscript import NAME


def open_file(path: Path) -> TorchSource:
    """Open a script. It does not say the size of its images.

    Raises:
        UserError: it is damaged, or has weights in another precision.
    """
    try:
        with quiet():
            network = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise damaged(NAME, path, error) from None
    require_single(network, path)
    return TorchSource(network.eval(), input_shape=None, traced=True)
