"""Why something given as `--model` is none that the way can start from, one message each."""

import difflib
import json
import re
import zipfile
from pathlib import Path

from edgepress.core.artifact import MANIFEST, is_artifact
from edgepress.core.errors import UserError
from edgepress.device.bundle import EXPECTED
from models import families, network_files
from models.checkpoint.files import ENDINGS, Content

MODELS = (
    "an artifact, a file of weights with --arch, or a network's file: ONNX, Keras 3, torch.export "
    "or TorchScript"
)
SHORTEST = 5
"""Letters of an architecture's name that are looked for in the name of a file."""
MOST_FILES = 5


def no_model(model: str) -> UserError:
    """Return the error for a path where nothing is, which may be an architecture's name."""
    path = Path(model)
    if _is_architecture(model):
        step = f"--arch {model} trains a network that is called so; leave --model out"
    else:
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, beside, n=1)
        step = f"did you mean {path.parent / close[0]}?" if close else "look for a slip in the path"
    return UserError("There is no such model", got=model, allowed=MODELS, next_step=step)


def of_folder(path: Path) -> UserError:
    """Return the error for a folder that is no artifact."""
    what, step = _folder(path)
    return UserError(what, got=path, allowed=MODELS, next_step=step)


def not_taken(path: Path) -> UserError | None:
    """Return the error for a file that is known, and no model to start from; else `None`."""
    if _is_bundle(path):
        return UserError(
            "A bundle is what goes onto a device, and no model to go on from",
            got=path,
            next_step="give the artifact that it was made from",
        )
    foreign = network_files.foreign(path)
    if foreign is None:
        return None
    what, step = foreign
    return UserError(f"The model is {what}", got=path, allowed=MODELS, next_step=step)


def whole_network(path: Path, what: str, arch: str) -> UserError:
    """Return the error for an architecture beside what has its own."""
    return UserError(
        f"--arch is for weights alone, and the model is {what}, which says itself what it is",
        got=f"--arch {arch} beside {path}",
        next_step="leave --arch out; another network to be taught is named by --set student=NAME",
    )


def no_architecture(content: Content) -> UserError:
    """Return the error for weights of which nobody has said of what network they are."""
    path = content.path
    noted = content.architecture or _of_config(path.parent)
    named = _in_name(path)
    if noted is not None and _is_architecture(noted):
        step = f"--arch {noted}, as is noted with the weights"
    elif named is not None:
        step = f"--arch {named}, if the file's name is right"
    else:
        step = "--arch NAME, as it was trained: a name of timm or torchvision, or your own factory "
        step += "as package.module:factory"
        step += f" (noted with the weights: {noted})" if noted else ""
    return UserError("The model is weights alone, and no network", got=path, next_step=step)


def _folder(path: Path) -> tuple[str, str]:
    """Return what a folder is, and what to do with it."""
    if (path / "saved_model.pb").is_file():
        return (
            "The model is a SavedModel of TensorFlow",
            f"python -m tf2onnx.convert --saved-model {path} --output network.onnx, and give that",
        )
    if path.suffix.lower() == ".mlpackage":
        return "The model is a Core ML model", "give the ONNX file or artifact that it is from"
    files = sorted(path.iterdir())
    artifacts = [str(file) for file in files if file.is_dir() and is_artifact(file)]
    if artifacts:
        return "The folder holds artifacts and is none", f"give one: {_few(artifacts)}"
    if (path / MANIFEST).is_file():
        return (
            "The folder is a bundle or a converted model, and no artifact",
            "give the artifact that it was made from",
        )
    inside = [str(file) for file in files if _may_be_model(file)]
    if inside:
        noted = _of_config(path)
        arch = f" --arch {noted}" if noted is not None and _is_architecture(noted) else ""
        return "A folder is no model, unless it is an artifact", f"give {_few(inside)}{arch}"
    return "The folder is no artifact", "give the folder that a stage has written, with its model"


def _few(names: list[str]) -> str:
    """Return paths, whole: whoever copies one needs all of it."""
    more = len(names) - MOST_FILES
    return " or ".join(names[:MOST_FILES]) + (f" and {more:,} more" if more > 0 else "")


def _may_be_model(file: Path) -> bool:
    network = file.is_file() and network_files.kind_of(file) is not None
    return network or (file.is_file() and file.name.endswith(ENDINGS))


def _is_bundle(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {MANIFEST, EXPECTED} <= set(archive.namelist())


def _of_config(folder: Path) -> str | None:
    """Return the architecture that the settings of a model hub's folder name."""
    try:
        found = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    name = found.get("architecture") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


def _in_name(path: Path) -> str | None:
    """Return the longest architecture's name that stands alone in the name of a file."""
    known = {name for family in families.known() for name in family.names()}
    stem = path.name.lower()
    found = [
        name
        for name in known
        if len(name) >= SHORTEST and re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", stem)
    ]
    return max(found, key=len, default=None)


def _is_architecture(name: str) -> bool:
    if "/" in name or "\\" in name:
        return False
    return any(family.knows(name) for family in families.known())
