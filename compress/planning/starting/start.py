"""What `--model` and `--arch` are: told by what lies there, and nothing in it is run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from compress.planning.facts import Start
from compress.planning.starting import refusals
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import WEIGHTS, Artifact
from edgepress.core.manifest import Architecture
from models import checkpoint, families, network_files, pretrained
from models.defaults import SHIPPED, shipped
from models.stored import architecture_of

DEFAULT_ARCHITECTURE = "efficientnet_lite0"
ORDER = "its outputs are taken in the order of the data's labels, which it does not name itself"


def start_of(
    model: str | None, arch: str | None, labels: Sequence[str], key: str | None = None
) -> Start:
    """Return what the way starts from.

    Args:
        model: As given on the command line; `None` where a teacher is to be trained.
        arch: Name of an architecture, or the user's own factory.
        labels: Of the data.
        key: Where in a checkpoint the weights are; `None` is wherever they fit.

    Raises:
        UserError: there is no such model or architecture, the two do not go together, or the model
            is of a kind that cannot be started from.
    """
    if model is None:
        return Start("none", None, _architecture(arch or DEFAULT_ARCHITECTURE))
    path = shipped(model) if model.startswith(SHIPPED) else Path(model)
    folder = _artifact_of(path)
    if folder is not None:
        start = _from_artifact(artifacts.load(folder), arch)
        inside = f"{path} is taken with the artifact that it lies in"
        return start if folder == path else replace(start, notes=(inside, *start.notes))
    if path.is_dir():
        raise refusals.of_folder(path)
    if not path.is_file():
        raise refusals.no_model(model)
    kind = network_files.kind_of(path)
    if kind is not None:
        return _from_file(path, kind, arch)
    return _from_weights(pretrained.Start(str(path), key, tuple(labels)), path, arch)


def _architecture(name: str) -> Architecture:
    families.find(name)  # an unknown one is refused
    return Architecture(name=name)


def _artifact_of(path: Path) -> Path | None:
    """Return the artifact that a path is, or whose weights it is."""
    if artifacts.is_artifact(path):
        return path
    own = path.name in WEIGHTS.values() and artifacts.is_artifact(path.parent)
    return path.parent if own else None


def _from_artifact(artifact: Artifact, arch: str | None) -> Start:
    path = artifact.path
    if artifact.manifest.kind == "onnx":
        if arch is not None:
            raise refusals.whole_network(path, "an ONNX artifact", arch)
        return Start("graph", path, None, artifact)
    architecture = architecture_of(artifact)
    if arch not in (None, architecture.name):
        raise refusals.whole_network(path, f"an artifact of {architecture.name}", str(arch))
    return Start("network", path, architecture, artifact)


def _from_file(path: Path, kind: ModuleType, arch: str | None) -> Start:
    """Return the start from a network made elsewhere, which is adopted."""
    if arch is not None:
        raise refusals.whole_network(path, kind.NAME, arch)
    trusted = (f"{path} is a program: it is opened only with --trust",) if kind.RUNS_CODE else ()
    notes = (f"{path} is {kind.NAME}: its graph cannot be pruned, it teaches a student", *trusted)
    return Start("file", path, None, notes=notes)


def _from_weights(wanted: pretrained.Start, path: Path, arch: str | None) -> Start:
    """Return the start from weights alone, held against the architecture that is said.

    Raises:
        UserError: no architecture is said, or they are not its weights.
    """
    refused = refusals.not_taken(path)
    if refused is not None:
        raise refused
    content = checkpoint.files.read(path)
    if arch is None:
        raise refusals.no_architecture(content)
    architecture = _architecture(arch)
    new_head, said = pretrained.held_against(architecture, wanted, content)
    unnamed = () if new_head or content.labels else (ORDER,)
    notes = tuple(f"weights of {path}: {one}" for one in (*said, *unnamed))
    notes = tuple(note.replace(checkpoint.telling.KEY, "--set weights_key=NAME") for note in notes)
    return Start("checkpoint", path, architecture, new_head=new_head, notes=notes)
