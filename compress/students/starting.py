"""Where a student starts: an architecture by name, or an artifact that is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import Field
from torch import nn

from compress.learning.finish import chosen
from compress.students import narrowing
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.noun import Noun
from edgepress.core.several import Words
from edgepress.core.wording import counted
from models import families, pretrained, rewrites, stem
from models.blank import blank_image
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
    int8_friendly: bool = False
    """Rewrite a student given by name for integer kernels: ReLU6 for hard-swish, SiLU and the like,
    and no squeeze-and-excitation."""
    rewrite: Words = ()
    """The same by other rewrites, in order: files of models/rewrites, e.g. --rewrite relu6
    late-squeeze-excite keeps the last two squeeze-and-excitations."""
    width: float | None = Field(None, ge=0.05, lt=1)
    """Share of the channels that every layer of a student given by name keeps at least, in
    multiples of 16; of trained weights the largest stay."""

    @property
    def reshaped(self) -> str:
        """The options that change an architecture, as they are typed; empty where none is given."""
        given = {
            "--int8-friendly": self.int8_friendly,
            f"--rewrite {' '.join(self.rewrite)}": self.rewrite,
            f"--width {self.width}": self.width,
        }
        return " ".join(option for option, value in given.items() if value)


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

    @cached_property
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
        if self.artifact is not None:
            return chosen(architecture_of(self.artifact)) | {"weights": "of the artifact"}
        found = chosen(_architecture(self.options), self.options.weights)
        return found | (narrowing.identity() if self.options.width else {})

    def try_out(self, training: bool) -> None:
        """Run the network once, before the work.

        Raises:
            UserError: it fails, or its weights do not fit.
        """
        if self.artifact is not None:
            try_network(self.artifact, training, self.spec)
            return
        architecture = _by_name(self.options, self.spec)[0]
        pretrained.check(architecture, _weights(self.options), self.spec, training)
        if architecture.rewrites:
            self._check_rewritten(architecture)
        _ = self.architecture  # a width that cannot be had is refused here

    def _check_rewritten(self, architecture: Architecture) -> None:
        """Say what rewrites change and what they do not reach; one by name must change something.

        Raises:
            UserError: it does not.
        """
        network = families.skeleton(architecture.as_published, n_labels=2)
        changed = rewrites.apply(network, architecture.rewrites)
        if self.options.rewrite:
            _require_changed(changed, architecture.name)
        _say_rewritten(changed)
        left = rewrites.left_over(network, architecture.rewrites, blank_image(self.spec))
        if left:
            console.warn(
                f"the student still computes {', '.join(left)}: its forward calls it itself, or "
                "layers that no rewrite knows"
            )

    @cached_property
    def architecture(self) -> Architecture:
        """What builds the student.

        Raises:
            UserError: it cannot be built, or not so narrow.
        """
        if self.artifact is not None:
            return architecture_of(self.artifact)
        architecture, width = _by_name(self.options, self.spec)[0], self.options.width
        if width is None:
            return architecture
        return narrowing.narrowed(architecture, _weights(self.options), self.spec, width)

    def network(self, labels: Sequence[str]) -> nn.Module:
        """Return the student, with logits `[n, labels]`; a file that names them is put in order.

        Raises:
            UserError: its weights do not fit.
        """
        if self.artifact is not None:
            return load_network(self.artifact)
        weights = replace(_weights(self.options), labels=tuple(labels))
        return pretrained.start_network(self.architecture, len(labels), weights, self.spec)


def start_of(options: StudentOptions, teachers: ImageSpec) -> Start:
    """Return where a student starts.

    Raises:
        UserError: a folder that holds no artifact, or an artifact whose layers are to be others.
    """
    student = str(options.student or default_student())
    path = Path(student)
    named = not (artifacts.is_artifact(path) or path.is_dir())
    if options.reshaped and not named:
        raise UserError(
            "An artifact is trained already, so its layers stay as they are",
            got=f"--student {student} {options.reshaped}",
            next_step="give the student by name, e.g. --student lcnet_050, or make the artifact "
            f"narrower: python -m compress.prune --model {student}",
        )
    options = options.model_copy(update={"student": student})
    return Start(options, None if named else artifacts.load(path), teachers)


def rewrites_of(options: StudentOptions) -> tuple[str, ...]:
    """Return the rewrites of a student given by name.

    Raises:
        UserError: an unknown one (the closest is offered), or both ways to name them.
    """
    if options.int8_friendly and options.rewrite:
        raise UserError(
            "--int8-friendly stands for rewrites",
            got=options.reshaped,
            allowed=f"--int8-friendly is --rewrite {' '.join(rewrites.INT8_FRIENDLY)}",
            next_step="give one of the two",
        )
    return rewrites.checked(rewrites.INT8_FRIENDLY if options.int8_friendly else options.rewrite)


def _weights(options: StudentOptions) -> pretrained.Start:
    return pretrained.Start(options.weights, options.weights_key)


def _by_name(options: StudentOptions, spec: ImageSpec) -> tuple[Architecture, Channels]:
    """Return what builds a student given by name, and its channels.

    Raises:
        UserError: the architecture cannot be built, or not for so many channels.
    """
    return stem.as_taught(_architecture(options), spec, options.channels)


def _architecture(options: StudentOptions) -> Architecture:
    return Architecture(name=str(options.student), rewrites=rewrites_of(options))


def _require_changed(changed: Mapping[str, Sequence[str]], architecture: str) -> None:
    for name, layers in changed.items():
        if not layers:
            raise UserError(
                f"A rewrite changes no layer of {architecture}",
                got=f"--rewrite {name}",
                next_step="leave it out, or look for what it is to change in another student",
            )


def _say_rewritten(changed: Mapping[str, Sequence[str]]) -> None:
    found = [f"{name} ({counted(len(each), 'layer')})" for name, each in changed.items() if each]
    what = f"is rewritten: {', '.join(found)}" if found else "has no layer to rewrite"
    console.say(f"the student {what}")


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
