"""TorchScript: what `torch.jit.save` has written. torch no longer develops it."""

import zipfile
from pathlib import Path

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
