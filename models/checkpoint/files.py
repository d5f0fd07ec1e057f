"""What a file of weights is: by its content, whatever its name ends with."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from edgepress.core.errors import UserError
from models.checkpoint import pickles

Weights = dict[str, torch.Tensor]
ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".pth.tar")
"""What such files are usually called."""
NAMES = ("arch", "architecture", "model_name", "backbone", "encoder_name", "model")
"""Keys under which training codes note what their network is."""
OPTIONS = ("hyper_parameters", "hparams", "args", "config", "cfg", "opt")
"""Keys under which they keep the options of the training."""
LABELS = ("classes", "class_names", "labels", "label_names", "names", "class_to_idx", "id2label")
"""Keys under which they note what the outputs are."""
DEEPEST = 12
"""Levels of mappings that are looked into."""


@dataclass(frozen=True)
class Content:
    """All tensors of a file."""

    path: Path
    tensors: Weights
    """By the names that lead to them, joined by dots: `state_dict.layer1.weight`."""
    classes: tuple[str, ...] = ()
    """Classes of objects beside them, which were not read."""
    optimizer: bool = False
    """Whether there is the state of an optimizer, which is no part of `tensors`."""
    architecture: str | None = None
    """As the training code has noted it."""
    labels: tuple[str, ...] = ()
    """Names of the outputs, in their order, as it has noted them."""


def read(path: Path) -> Content:
    """Read every tensor of a file; no code in it is run.

    Raises:
        UserError: no such file, no file of weights, a damaged one, or a pickle that needs code to
            run.
    """
    require_file(path)
    if _is_safetensors(path):
        return Content(path, _read_safetensors(path))
    _refuse_other_kinds(path)
    whole, classes = pickles.read(path)
    found = Content(
        path=path,
        tensors=dict(_tensors(whole, (), 0)),
        classes=tuple(classes),
        optimizer=any(_optimizers(whole, 0)),
        architecture=_noted_architecture(whole),
        labels=_noted_labels(whole),
    )
    if not found.tensors and classes:
        raise pickles.wants_code(path, classes)
    if not found.tensors:
        what = "the state of an optimizer alone" if found.optimizer else "no tensor"
        raise UserError(
            "The checkpoint holds no weights of a network",
            got=f"{what} in {path}",
            next_step="torch.save(model.state_dict(), 'weights.pth')",
        )
    return found


def require_file(path: Path) -> None:
    """Refuse what is not there, or no file.

    Raises:
        UserError: there is no such file, or it is empty.
    """
    if path.is_dir():
        inside = sorted(f.name for f in path.iterdir() if f.name.endswith(ENDINGS))
        raise UserError(
            "A folder is no checkpoint",
            got=path,
            allowed=f"a file, usually {', '.join(ENDINGS)}",
            next_step=f"name the file in it: {', '.join(inside[:5])}" if inside else None,
        )
    if not path.is_file():
        raise UserError(
            "There is no such checkpoint", got=path, next_step="look for a slip in the path"
        )
    if not path.stat().st_size:
        raise UserError("The checkpoint is an empty file", got=path, next_step="copy it again")


def _is_safetensors(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def _read_safetensors(path: Path) -> Weights:
    try:
        found: Weights = dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        _refuse_other_kinds(path)
        raise UserError(
            f"The file is not safetensors ({error})",
            got=path,
            next_step="copy or download it again",
        ) from None
    if not found:
        raise UserError("The checkpoint holds no weights of a network", got=f"no tensor in {path}")
    return found


def _refuse_other_kinds(path: Path) -> None:
    """Refuse what people have in the place of a checkpoint, and say what it is.

    Raises:
        UserError: it is such a file.
    """
    with path.open("rb") as file:
        start = file.read(512)
    kind = _other_kind(path, start)
    if kind is not None:
        what, next_step = kind
        raise UserError(
            f"Not a checkpoint but {what}",
            got=path,
            allowed=f"weights as torch.save or safetensors writes them ({', '.join(ENDINGS)})",
            next_step=next_step,
        )


def _other_kind(path: Path, start: bytes) -> tuple[str, str | None] | None:
    adopt = f"python -m export.adopt --model {path}"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of git-lfs to it", "fetch the file itself: git lfs pull"
    if start.lstrip()[:1] == b"<":
        return "a web page", "download the file itself, not the page that shows it"
    if path.suffix == ".onnx":
        return "an ONNX file, which is a whole network", adopt
    if start.startswith(b"\x89HDF"):
        return "an HDF5 file, as Keras and h5py write it", "save the weights of a PyTorch network"
    if zipfile.is_zipfile(path):
        return _other_zip(path, adopt)
    if _is_text(start):
        return "a text file", "name the file that the training has saved the weights in"
    return None


def _other_zip(path: Path, adopt: str) -> tuple[str, str | None] | None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    inside = {name.partition("/")[2] for name in names}
    if any(name.startswith("code/") for name in inside):
        return "TorchScript, which is a whole network", f"{adopt} --trust"
    if all(name.endswith(".npy") for name in names):
        return "an archive of numpy's", "save its arrays as tensors by name: torch.save"
    if "data.pkl" not in inside and "data.pkl" not in names:
        return f"an archive of something else ({', '.join(names[:3])})", "unpack it first"
    return None


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _tensors(value: Any, place: tuple[str, ...], depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield tensors with their places; those of optimizers are none of a network."""
    if isinstance(value, torch.Tensor) and place:
        yield ".".join(place), value
    elif depth < DEEPEST and not _is_optimizer(value):
        for key, inside in _items(value):
            yield from _tensors(inside, (*place, str(key)), depth + 1)


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _is_optimizer(value: Any) -> bool:
    return isinstance(value, Mapping) and "param_groups" in value


def _optimizers(value: Any, depth: int) -> Iterator[bool]:
    yield _is_optimizer(value)
    if depth < DEEPEST and not _is_optimizer(value):
        for _, inside in _items(value):
            yield from _optimizers(inside, depth + 1)


def _noted_architecture(whole: Any) -> str | None:
    """Return what a training code calls the network."""
    names = (noted.get(key) for noted in _notes(whole) for key in NAMES)
    return next((name for name in names if isinstance(name, str)), None)


def _noted_labels(whole: Any) -> tuple[str, ...]:
    """Return what a training code calls the outputs."""
    found = (_in_order(noted.get(key)) for noted in _notes(whole) for key in LABELS)
    return next(filter(None, found), ())


def _notes(whole: Any) -> Iterator[Mapping[Any, Any]]:
    """Yield where a training code notes things: beside the weights, and among its options."""
    beside = whole if isinstance(whole, Mapping) else {}
    places = (beside, *(beside.get(key) for key in OPTIONS))
    return (place for place in places if isinstance(place, Mapping))


def _in_order(noted: Any) -> tuple[str, ...]:
    """Return names in the order of their numbers; none of what is no list of different names.

    >>> _in_order(["a", "b"]), _in_order({1: "b", 0: "a"}), _in_order({"b": 1, "a": 0})
    (('a', 'b'), ('a', 'b'), ('a', 'b'))
    """
    names = noted if isinstance(noted, list | tuple) else ()
    if isinstance(noted, Mapping):
        pairs = [(key, at) if isinstance(key, str) else (at, key) for key, at in noted.items()]
        numbered = all(isinstance(at, int) for _, at in pairs)
        names = [name for name, _ in sorted(pairs, key=lambda pair: pair[1])] if numbered else ()
    texts = [name for name in names if isinstance(name, str)]
    return tuple(texts) if len(set(texts)) == len(names) else ()
