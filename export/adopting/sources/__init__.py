"""Files of networks made elsewhere, one kind a file: `recognises(path)`, `open_file(path)`.

`open_file` returns a `Source` (`_source.py`); `RUNS_CODE` says whether opening such a file runs a
program that is in it, and `ENDINGS` what such files are called.
"""

from pathlib import Path
from types import ModuleType

from edgepress.core import console, registry
from edgepress.core.artifact import is_artifact
from edgepress.core.errors import UserError
from export.adopting.sources._source import Source

_ELSEWHERE = {
    ".h5": "load it in Keras 3 and save it again: model.save('network.keras')",
    ".hdf5": "load it in Keras 3 and save it again: model.save('network.keras')",
    ".pb": "make an ONNX file of it with tf2onnx",
    ".tflite": "make an ONNX file of it with tf2onnx",
    ".safetensors": "weights alone are no network: python -m compress.train --weights FILE --arch "
    "NAME --epochs 0",
}
"""What to do with files that are of none of the kinds."""


def open_source(path: Path, trust: bool) -> Source:
    """Open a network made elsewhere.

    Raises:
        UserError: no such file, none of the kinds, damaged, of a kind that is a program without
            `trust`, or a package is missing.
    """
    kind = _kind_of(path)
    if kind.RUNS_CODE and not trust:
        raise UserError(
            f"{kind.NAME} is a program: opening it may run anything that its maker has put in",
            got=path,
            next_step="where you trust its maker, add --trust; it is needed once, what is written "
            "is an ONNX file, which only computes",
        )
    console.say(f"{path} is {kind.NAME}")
    source: Source = kind.open_file(path)
    return source


def _kind_of(path: Path) -> ModuleType:
    if is_artifact(path):
        raise UserError("The model is an artifact already", got=path, next_step="use it as it is")
    if not path.is_file():
        raise UserError("There is no such file", got=path, allowed=_allowed())
    for name in registry.names(__name__):
        kind = registry.find(__name__, name, "kind of network file")
        if kind.recognises(path):
            return kind
    raise UserError(
        "Not a network file",
        got=path,
        allowed=_allowed(),
        next_step=_ELSEWHERE.get(path.suffix.lower(), _of_pickle(path)),
    )


def _of_pickle(path: Path) -> str | None:
    """Return what to do with a pickle, which PyTorch's own `torch.save` writes."""
    if path.suffix.lower() not in (".pt", ".pth", ".bin", ".pkl", ".ckpt", ".tar"):
        return None
    return (
        "a pickle is never opened, it may run anything: load it where it was made and save it with "
        "torch.export.save(torch.export.export(model.eval(), (images,)), 'network.pt2'), or give "
        "its weights to python -m compress.train --weights FILE --arch NAME --epochs 0"
    )


def _allowed() -> str:
    kinds = (
        registry.find(__name__, name, "kind of network file") for name in registry.names(__name__)
    )
    return ", ".join(f"{kind.NAME} ({', '.join(kind.ENDINGS)})" for kind in kinds)
