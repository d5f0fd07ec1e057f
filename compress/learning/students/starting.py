"""Where a student starts: an architecture by name, or an artifact that is trained on."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from torch import nn

from compress.learning.finish import chosen
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.noun import Noun
from models import pretrained, stem
from models.defaults import default_student
from models.stored import architecture_of, load_network, try_network


class StudentOptions(Noun):
    """Which network is taught; the stages add these options to their own."""

    student: str | None = None
    """Architecture name, or an artifact to go on from, e.g. a pruned one; default: the newest
    pruned artifact under runs/, else mobilenetv3_small_050."""
    weights: str = "random"
    """Start of a student given by name: `imagenet`, `random` or a file."""
    weights_key: str | None = None
    """Where in the file the weights are, e.g. state_dict_ema; default: where they fit."""
    image_size: int | None = Field(None, ge=32, le=1024)
    """Height and width of the student's input, pixels; default: the teacher's."""
    channels: Channels | None = None
    """Channels of the images of a student given by name, 3 for RGB and 1 for grey; default: the
    teacher's. A student that is an artifact keeps its own."""


@dataclass(frozen=True)
class Start:
    """A student before it is taught anything."""

    options: StudentOptions
    artifact: Artifact | None
    """What it goes on from; `None` where it is given by name."""
    teachers: ImageSpec
    """The images of its teacher."""

    @property
    def parents(self) -> tuple[Artifact, ...]:
        """The artifact that it goes on from, if any."""
        return () if self.artifact is None else (self.artifact,)

    @property
    def spec(self) -> ImageSpec:
        """The student's images: the teacher's, in the size and the channels of its own.

        An artifact's weights were trained for its own normalisation.

        Raises:
            UserError: its channels are not those asked for, or the teacher sees less than it.
        """
        spec, options = self.teachers, self.options
        if options.image_size is not None:
            size = {"height": options.image_size, "width": options.image_size}
            spec = spec.model_copy(update=size)
        if self.artifact is None:
            spec = spec.in_channels(_by_name(options, spec)[1])
        else:
            own = self.artifact.manifest.image.model_dump(include={"channels", "mean", "std"})
            spec = spec.model_copy(update=own)
        _require_channels(spec, self.teachers, options.channels)
        return spec

    def chosen(self) -> dict[str, str]:
        """Return the hashes of what is chosen by name.

        Where the student goes on from an artifact, the option of weights says nothing.
        """
        if self.artifact is None:
            return chosen(str(self.options.student), self.options.weights)
        return chosen(architecture_of(self.artifact).name) | {"weights": "of the artifact"}

    def try_out(self, training: bool) -> None:
        """Run the network once, before the work.

        Raises:
            UserError: it fails, or its weights do not fit.
        """
        if self.artifact is not None:
            try_network(self.artifact, training=training)
            return
        pretrained.check(self.architecture, _weights(self.options), self.spec, training)

    @property
    def architecture(self) -> Architecture:
        """What builds the student."""
        if self.artifact is not None:
            return architecture_of(self.artifact)
        return _by_name(self.options, self.spec)[0]

    def network(self, labels: int) -> nn.Module:
        """Return the student, with logits `[n, labels]`.

        Raises:
            UserError: its weights do not fit.
        """
        if self.artifact is not None:
            return load_network(self.artifact)
        weights = _weights(self.options)
        return pretrained.start_network(self.architecture, labels, weights, self.spec)


def start_of(options: StudentOptions, teachers: ImageSpec) -> Start:
    """Return where a student starts.

    Raises:
        UserError: a folder that holds no artifact.
    """
    student = str(options.student or default_student())
    path = Path(student)
    named = not (artifacts.is_artifact(path) or path.is_dir())
    options = options.model_copy(update={"student": student})
    return Start(options, None if named else artifacts.load(path), teachers)


def _weights(options: StudentOptions) -> pretrained.Start:
    return pretrained.Start(options.weights, options.weights_key)


def _by_name(options: StudentOptions, spec: ImageSpec) -> tuple[Architecture, Channels]:
    """Return what builds a student given by name, and its channels.

    Raises:
        UserError: the architecture cannot be built, or not for so many channels.
    """
    return stem.as_taught(Architecture(name=str(options.student)), spec, options.channels)


def _require_channels(spec: ImageSpec, teachers: ImageSpec, wanted: Channels | None) -> None:
    if spec.channels == (wanted or spec.channels) and spec.channels <= teachers.channels:
        return
    raise UserError(
        "The student cannot be given images of its channels",
        got=f"{spec.channels} of the student, {teachers.channels} of the teacher"
        + (f", --channels {wanted}" if wanted else ""),
        allowed="the teacher's channels, or 1; an artifact keeps its own",
        next_step="another --student, or a teacher of 3 channels",
    )
