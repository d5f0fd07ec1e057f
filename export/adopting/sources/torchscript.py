"""TorchScript: what `torch.jit.save` has written. torch no longer develops it."""

import zipfile
from pathlib import Path

import torch

from edgepress.core.quiet import quiet
from export.adopting.sources._source import damaged
from export.adopting.sources._torch import TorchSource, require_single

NAME = "a TorchScript file"
ENDINGS = (".pt", ".pth", ".ts", ".torchscript")
RUNS_CODE = True


def recognises(path: Path) -> bool:
    """Tell whether this is a zip with code beside its pickle; a pickle alone has none."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        inside = {name.partition("/")[2] for name in archive.namelist()}
    return "constants.pkl" in inside and any(name.startswith("code/") for name in inside)


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
