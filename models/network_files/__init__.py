"""Kinds of files that hold a whole network made elsewhere, one a file: told without opening them.

Each has a `NAME`, the `ENDINGS` of such files, `RUNS_CODE` (whether opening one runs a program that
is in it) and `recognises(path)`. What opens them has the same name in `export/adopting/sources`.
"""

from pathlib import Path
from types import ModuleType

from edgepress.core import registry
from edgepress.core.errors import UserError

_OVER_ONNX = "make an ONNX file of it with tf2onnx"
_IN_KERAS = "load it in Keras 3 and save it again: model.save('network.keras')"
_SOURCE = "give what it was made from: the ONNX file, or the weights with their architecture"
_ELSEWHERE = {
    ".h5": ("an HDF5 file, as Keras wrote them before", _IN_KERAS),
    ".hdf5": ("an HDF5 file, as Keras wrote them before", _IN_KERAS),
    ".pb": ("a graph of TensorFlow", _OVER_ONNX),
    ".tflite": ("a LiteRT (TFLite) file", _OVER_ONNX),
    ".ort": ("a file in ONNX Runtime's own format", _SOURCE),
    ".engine": ("an engine of TensorRT", _SOURCE),
    ".plan": ("an engine of TensorRT", _SOURCE),
    ".pte": ("a program of ExecuTorch", _SOURCE),
    ".mlmodel": ("a Core ML model", _SOURCE),
    ".mlpackage": ("a Core ML model", _SOURCE),
    ".xml": ("an OpenVINO file", _SOURCE),
    ".param": ("an ncnn file", _SOURCE),
}
"""Networks of formats that are not taken in, by their endings: what they are, and what to do."""


def kind_of(path: Path) -> ModuleType | None:
    """Return the kind of a file, `None` where it is of none of them."""
    kinds = (kind for kind in _kinds() if kind.recognises(path))
    return next(kinds, None)


def require_trust(kind: ModuleType, path: Path, trust: bool) -> None:
    """Refuse to open a program of which nobody has said that its maker is trusted.

    Raises:
        UserError: it is one.
    """
    if kind.RUNS_CODE and not trust:
        raise UserError(
            f"{kind.NAME} is a program: opening it may run anything that its maker has put in",
            got=path,
            next_step="where you trust its maker, add --trust; it is needed once, what is written "
            "is an ONNX file, which only computes",
        )


def foreign(path: Path) -> tuple[str, str] | None:
    """Return what a file of a format that is not taken in is, and what to do with it."""
    return _ELSEWHERE.get(path.suffix.lower())


def allowed() -> str:
    """Return the kinds with their endings."""
    return ", ".join(f"{kind.NAME} ({', '.join(kind.ENDINGS)})" for kind in _kinds())


def _kinds() -> tuple[ModuleType, ...]:
    names = registry.names(__name__)
    return tuple(registry.find(__name__, name, "kind of network file") for name in names)
