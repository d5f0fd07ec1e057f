"""Artifacts as teachers."""

from torch import nn

from compress.learning import terms
from compress.learning.teachers.exported import OnnxTeacher
from compress.learning.teaching import Teaching
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from models.stored import load_network, try_network


def teacher_of(artifact: Artifact, settings: Teaching) -> tuple[nn.Module, Teaching]:
    """Return the network that teaches, and how; an ONNX file has no features to teach.

    Raises:
        UserError: weights that do not fit, or a file that does not open.
    """
    shows = artifact.manifest.kind == "torch"
    network = load_network(artifact) if shows else OnnxTeacher(artifact)
    return network, as_shown(artifact, settings)


def as_shown(artifact: Artifact, settings: Teaching) -> Teaching:
    """Return settings with what a teacher shows."""
    if artifact.manifest.kind == "torch":
        return settings
    return settings.model_copy(update={"feature_weight": 0.0})


def try_teacher(artifact: Artifact, settings: Teaching) -> None:
    """Run a teacher once, before the work.

    Raises:
        UserError: it fails, or a term asks for what it does not show.
    """
    if artifact.manifest.kind == "torch":
        try_network(artifact, training=False)
    elif terms.observe(terms.parse(settings.term)):
        raise UserError(
            "An ONNX teacher shows no features, which a term of the loss needs",
            got=f"--term {' '.join(settings.term)}",
            next_step="leave that term out, or name the PyTorch artifact that the file is from",
        )
