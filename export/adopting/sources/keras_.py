"""Keras 3: what `model.save("network.keras")` has written, run by Keras' PyTorch back end."""

import importlib.util
import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from edgepress.core.errors import UserError
from edgepress.core.quiet import quiet
from export.adopting.sources._source import Shape, damaged, first_line
from export.adopting.sources._torch import TorchSource
from models.network_files.keras_ import NAME

BACKEND = "torch"
_IN_ONNX = "where it was made, write an ONNX file: model.export('network.onnx', format='onnx')"


def open_file(path: Path) -> TorchSource:
    """Open a model.

    Raises:
        UserError: Keras is missing or has another back end, the file is damaged or holds code or
            layers that are not Keras' own, or the model has several inputs.
    """
    keras = _keras()
    try:
        with quiet():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what its layers happen to meet
        raise _refusal(path, error) from None
    shape = model.input_shape
    if not isinstance(shape, tuple) or any(isinstance(part, tuple | list) for part in shape):
        raise UserError(
            "The model takes something else than one tensor of images",
            got=f"{shape} in {path}",
            allowed="one",
            next_step="save a model that takes images only",
        )
    return TorchSource(_Inference(model), _sizes(shape))


class _Inference(nn.Module):
    """A model as it is used after training."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """Return what the model makes of images in its own layout."""
        found: Tensor = self.model(image, training=False)
        return found


def _keras() -> Any:
    if importlib.util.find_spec("keras") is None:
        raise UserError(
            "Keras is not installed", got=NAME, next_step="pip install 'edgepress[keras]'"
        )
    os.environ.setdefault("KERAS_BACKEND", BACKEND)
    wanted = os.environ["KERAS_BACKEND"]
    if wanted == BACKEND:
        import keras

        wanted = keras.backend.backend()  # another one if it was imported before
    if wanted != BACKEND:
        raise UserError(
            "Keras has another back end",
            got=f"KERAS_BACKEND={wanted}",
            allowed=BACKEND,
            next_step=f"set KERAS_BACKEND={BACKEND}; the same .keras file runs in every back end",
        )
    return keras


def _refusal(path: Path, error: Exception) -> UserError:
    text = str(error)
    if "safe_mode" in text or "unsafe" in text.lower():
        return UserError(
            "The model holds Python code (a Lambda layer), which is refused",
            got=path,
            next_step=f"replace the layer by one of Keras' own, or, {_IN_ONNX}",
        )
    if "Could not locate" in text or "custom object" in text or "registered" in text:
        return UserError(
            f"The model holds a layer that is not Keras' own ({first_line(error)[:200]})",
            got=path,
            next_step=_IN_ONNX,
        )
    return damaged(NAME, path, error)


def _sizes(shape: tuple[Any, ...]) -> Shape:
    return tuple(None if size is None else int(size) for size in shape)
