"""Artifacts as teachers: one, or several."""

from collections.abc import Sequence

from torch import nn

from compress.learning import terms
from compress.learning.teachers.exported import OnnxTeacher
from compress.learning.teachers.several import Member, Several
from compress.learning.teaching import Teaching, terms_of
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.stored import load_network, try_network


def teacher_of(teachers: Sequence[Artifact], settings: Teaching) -> tuple[nn.Module, Teaching]:
    """Return the network that teaches, and how; an ONNX file has no features to teach.

    Raises:
        UserError: weights that do not fit, or a file that does not open.
    """
    first = teachers[0]
    network = _network(first) if len(teachers) == 1 else Several([_member(one) for one in teachers])
    return network, as_shown(first, settings)


def as_shown(first: Artifact, settings: Teaching) -> Teaching:
    """Return settings with what the teacher shows whose features count."""
    if first.manifest.kind == "torch":
        return settings
    return settings.model_copy(update={"feature_weight": 0.0})


def try_teachers(teachers: Sequence[Artifact], settings: Teaching) -> None:
    """Run teachers once, before the work, and say what is learnt of which.

    Raises:
        UserError: one fails, is there twice or cannot see what the first one sees, or a term asks
            for what the first does not show.
    """
    first, *others = teachers
    for teacher in teachers:
        if teacher.manifest.kind == "torch":
            try_network(teacher, training=False)
    _require_features(first, settings)
    _require_once(teachers)
    for other in others:
        _require_pixels(other, first.manifest.image)
        names = [one.manifest.labels.names for one in (first, other)]
        if names[0] != names[1] and set(names[0]) == set(names[1]):
            console.say(f"the labels of {other.name} are taken by name, for their order is another")
    if others and first.manifest.kind == "torch" and terms.observe(terms_of(settings)):
        console.say(f"features are learnt of the first teacher alone, {first.name}")


def _network(teacher: Artifact) -> nn.Module:
    return load_network(teacher) if teacher.manifest.kind == "torch" else OnnxTeacher(teacher)


def _member(teacher: Artifact) -> Member:
    manifest = teacher.manifest
    return Member(_network(teacher), manifest.image, manifest.labels.names)


def _require_features(first: Artifact, settings: Teaching) -> None:
    asked = [one.name for one in terms_of(settings) if terms.observe([one])]
    if asked and first.manifest.kind != "torch":
        raise UserError(
            "An ONNX teacher shows no features, which a term of the loss needs",
            got=f"term {', '.join(asked)}",
            next_step="take another --method or --term, or name a PyTorch artifact first, e.g. the "
            "one that the file is from",
        )


def _require_once(teachers: Sequence[Artifact]) -> None:
    places = [teacher.path.resolve() for teacher in teachers]
    for teacher, place in zip(teachers, places, strict=True):
        if places.count(place) > 1:
            raise UserError(
                "A teacher is named twice",
                got=teacher.path,
                next_step="name it once: each teacher counts as much as the others",
            )


def _require_pixels(other: Artifact, seen: ImageSpec) -> None:
    """Refuse a teacher that needs more of an image than the first one sees.

    Raises:
        UserError: it sees colours where the first sees grey, or other parts of the image.
    """
    own = other.manifest.image
    if own.channels > seen.channels:
        raise UserError(
            "The first of several teachers sees grey images, and another one colours",
            got=other.path,
            next_step="name that one first",
        )
    for name in ("crop", "pixel_range"):
        ours, theirs = getattr(own, name), getattr(seen, name)
        if ours != theirs:
            raise UserError(
                "Several teachers see other parts of an image or of its range",
                got=f"{name} {ours} of {other.path}",
                allowed=f"{theirs}, as of the first teacher",
            )
