"""Weights in: safetensors, or a pickle that holds nothing but tensors."""

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from compress.core.errors import UserError

Weights = dict[str, torch.Tensor]
ENDINGS = (".safetensors", ".pth", ".pt")
WRAPPERS = ("state_dict", "model_state_dict", "model", "state_dict_ema")


def read(path: Path) -> Weights:
    """Read a state dict from a `.safetensors`, `.pth` or `.pt` file; no code in it is run.

    Raises:
        UserError: no such file, another ending, a damaged file, a pickle that needs code to run, or
            weights that are not finite.
    """
    require_file(path)
    weights = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    _check_finite(weights, path)
    return weights


def require_file(path: Path) -> None:
    """Refuse what cannot be a checkpoint by its name.

    Raises:
        UserError: no such file, or another ending.
    """
    if not path.is_file():
        raise UserError("There is no such checkpoint", got=path)
    if path.suffix not in ENDINGS:
        raise UserError("Not a checkpoint", got=path, allowed=", ".join(ENDINGS))


def load_into(network: nn.Module, weights: Weights, source: Path) -> None:
    """Load weights into a network whose every tensor must match.

    Raises:
        UserError: missing, unexpected or differently shaped tensors; the first of each is named.
    """
    own = network.state_dict()
    problems = {
        "missing": sorted(own.keys() - weights.keys()),
        "unexpected": sorted(weights.keys() - own.keys()),
        "of another shape": sorted(
            name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape
        ),
    }
    found = [f"{len(names)} {what} ({names[0]})" for what, names in problems.items() if names]
    if found:
        raise UserError(
            f"The checkpoint is of another architecture: tensors {', '.join(found)}",
            got=source,
            next_step="give the architecture it was trained with (--arch)",
        )
    network.load_state_dict(weights)


def _read_safetensors(path: Path) -> Weights:
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"The file is not safetensors ({error})", got=path) from None


def _read_pickle(path: Path) -> Weights:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on how the file was pickled
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            "The checkpoint holds more than tensors and wants to run code, which is refused",
            got=path,
            next_step="where you trust it, convert it once: "
            "torch.save(model.state_dict(), 'weights.pth')",
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise UserError(f"The checkpoint cannot be read ({error})", got=path) from None
    return _state_dict(content, path)


def _state_dict(content: Any, path: Path) -> Weights:
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise UserError("The checkpoint holds no state dict", got=path)
    if not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError("The state dict holds something else than tensors", got=path)
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _check_finite(weights: Weights, path: Path) -> None:
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise UserError(f"The weights hold NaN or infinite values, first in {name}", got=path)
