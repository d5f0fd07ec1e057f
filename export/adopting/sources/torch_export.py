"""Programs of `torch.export`: what `torch.export.save` has written."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from edgepress.core.errors import UserError
from edgepress.core.quiet import quiet
from export.adopting.sources._source import Shape, damaged
from export.adopting.sources._torch import TorchSource, require_single
from models.network_files.torch_export import NAME


def open_file(path: Path) -> TorchSource:
    """Open a program.

    Raises:
        UserError: it is damaged, holds pickles that want to run code, was written by an old torch,
            has weights in another precision, or has several inputs.
    """
    try:
        _refuse_pickles(path)
        with quiet():
            program = torch.export.load(path)
            network = program.module()
    except UserError:
        raise
    except Exception as error:  # torch raises what its readers happen to meet
        raise damaged(NAME, path, error) from None
    require_single(network, path)
    return TorchSource(network, _input_shape(program, path))


def _refuse_pickles(path: Path) -> None:
    """Refuse what `torch.export.load` would unpickle without limits."""
    with zipfile.ZipFile(path) as archive:
        inside = {name.partition("/")[2]: name for name in archive.namelist()}
        if not any(name.startswith("models/") for name in inside):
            raise UserError(
                "The program was not written by a current torch.export.save",
                got=path,
                next_step="save it again with torch 2.9 or newer",
            )
        for short, name in inside.items():
            content = archive.read(name)
            if short.endswith("_config.json") and _names_pickles(json.loads(content)):
                raise _pickled(path, short)
            if short.endswith(".pt"):
                _require_tensors(content, path, short)


def _names_pickles(config: Any) -> bool:
    return any(entry.get("use_pickle") for entry in config.get("config", {}).values())


def _require_tensors(content: bytes, path: Path, name: str) -> None:
    try:
        torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise _pickled(path, name) from None


def _pickled(path: Path, name: str) -> UserError:
    return UserError(
        "The program holds a pickle that may run code, which is refused",
        got=f"{name} in {path}",
        allowed="plain tensors",
        next_step="export the network without custom objects and tensor subclasses",
    )


def _input_shape(program: ExportedProgram, path: Path) -> Shape:
    named = program.graph_signature.user_inputs
    images = [node for node in program.graph.nodes if node.name in named]
    if len(images) != 1 or not isinstance(images[0].meta.get("val"), torch.Tensor):
        raise UserError(
            "The program takes something else than one tensor of images",
            got=f"{len(named)} inputs ({', '.join(map(str, named))}) in {path}",
            allowed="one",
            next_step="wrap the network in a module that takes images only, and export that",
        )
    return tuple(size if isinstance(size, int) else None for size in images[0].meta["val"].shape)
