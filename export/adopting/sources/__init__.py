"""What opens networks made elsewhere: `open_file(path)`, which returns a `Source` (`_source.py`).

One file for each kind of `models/network_files`, of the same name.
"""

from pathlib import Path
from types import ModuleType

from edgepress.core import console, registry
from edgepress.core.artifact import is_artifact
from edgepress.core.errors import UserError
from export.adopting.sources._source import Source
from models import network_files

_TRAIN = "python -m compress.train --weights FILE --arch NAME --epochs 0"


def open_source(path: Path, trust: bool) -> Source:
    """Open a network made elsewhere.

    Raises:
        UserError: as `require_known`, or it is damaged, or a package is missing.
    """
    kind = require_known(path, trust)
    console.say(f"{path} is {kind.NAME}")
    name = kind.__name__.rpartition(".")[2]
    source: Source = registry.find(__name__, name, "kind of network file").open_file(path)
    return source


def require_known(path: Path, trust: bool) -> ModuleType:
    """Return the kind of a network file that may be opened.

    Raises:
        UserError: no such file, none of the kinds, or one that is a program without `trust`.
    """
    if is_artifact(path):
        raise UserError("The model is an artifact already", got=path, next_step="use it as it is")
    if not path.is_file():
        raise UserError("There is no such file", got=path, allowed=network_files.allowed())
    kind = network_files.kind_of(path)
    if kind is None:
        raise UserError(
            "Not a network file", got=path, allowed=network_files.allowed(), next_step=_advice(path)
        )
    network_files.require_trust(kind, path, trust)
    return kind


def _advice(path: Path) -> str | None:
    """Return what to do with a file of none of the kinds."""
    foreign = network_files.foreign(path)
    if foreign is not None:
        return foreign[1]
    if path.suffix.lower() == ".safetensors":
        return f"weights alone are no network: {_TRAIN}"
    if path.suffix.lower() in (".pt", ".pth", ".bin", ".pkl", ".ckpt", ".tar"):
        return (
            "a pickle is never opened, it may run anything: load it where it was made and save it "
            "with torch.export.save(torch.export.export(model.eval(), (images,)), 'network.pt2'), "
            f"or give its weights to {_TRAIN}"
        )
    return None
