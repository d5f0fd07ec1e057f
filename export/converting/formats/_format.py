"""What a format is, and what a model in it is made from."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun

if TYPE_CHECKING:  # a process of a format's own waits for nothing that it does not need
    from export.making.int8.calibration import Calibration

Images = Sequence[NDArray[Any]]
"""What a format takes, one by one: photographs or network inputs."""
Probs = NDArray[np.float32]
"""`[n, labels]`"""


@dataclass(frozen=True)
class Shown:
    """What a format answers that tells a user labels, not only probabilities."""

    probs: Probs
    labels: tuple[tuple[str, ...], ...]
    """Names of the labels that a user is told of each image, in the model's order."""


class CannotRunError(Exception):
    """A format that cannot be run on this machine; the message is the reason."""


class DoesNotRunError(Exception):
    """A model that its own runtime, which is here, does not run; the message is the reason."""


def ended(done: subprocess.CompletedProcess[str]) -> str:
    """Return why a program has ended: the last line that it printed, and the signal that ended it.

    >>> ended(subprocess.CompletedProcess([], -11, "reading", ""))
    'ended by signal 11 (SIGSEGV) after "reading"'
    """
    lines = (done.stderr + done.stdout).strip().splitlines()
    if done.returncode >= 0:
        return lines[-1] if lines else f"exit code {done.returncode}"
    number = -done.returncode
    known = [one.name for one in signal.Signals if one == number]
    after = f' after "{lines[-1].strip()}"' if lines else ""
    return f"ended by signal {' '.join([str(number), *(f'({name})' for name in known)])}{after}"


class Format(Noun):
    """A kind of file that another runtime reads."""

    name: str
    description: str
    """The devices and runtimes that it is for."""
    takes: Literal["photograph", "network_input"] = "network_input"
    """`photograph`: uint8 `[height, width, 3]` of any size, RGB. `network_input`: float32
    `[1, channels, height, width]`, resized and normalised as the manifest's `image` says."""
    made_from: Literal["onnx", "torch"] = "onnx"
    """What the converter reads; `torch` needs the PyTorch artifact."""
    precisions: tuple[Precision, ...] = ("fp32",)
    """Number formats of models that it takes as they are."""
    providers: tuple[str, ...] = ("cpu",)
    """Runtimes, as targets name them, whose int8 files compute in this format as in theirs."""
    refusal: str = ""
    """Why the format does not take the other precisions."""
    makes: tuple[Precision, ...] = ()
    """Number formats that its own tools make of an fp32 PyTorch artifact."""
    packages: tuple[str, ...] = ()
    """Modules that the conversion imports or runs; an optional extra brings them."""
    extra: str = ""
    """The extra of edgepress that brings them."""
    apart: bool = False
    """Whether it is written and run in a process of its own, which its libraries may end."""


@dataclass(frozen=True)
class Source:
    """A model to convert."""

    given: Artifact
    """As the user named it: a PyTorch or an ONNX artifact."""
    model: Artifact
    """The same model as ONNX, which every format must agree with."""
    quantized: Precision | None = None
    """Number format that the format's own tools shall make; `None` is the model's."""
    calibration: Calibration | None = None
    """Where it is `int8`: the training images from which the ranges of activations are taken."""

    @property
    def precision(self) -> Precision:
        """The number format of what is written."""
        return self.quantized or self.given.manifest.precision


class Module(Protocol):
    """A module of this folder."""

    FORMAT: Format

    def write(self, source: Source, folder: Path) -> None:
        """Write the model's files into an empty folder.

        Raises:
            UserError: it cannot be converted.
        """
        ...

    def run(self, folder: Path, images: Images) -> Probs | Shown:
        """Return the probabilities of images that are as `FORMAT.takes` says.

        A format that shows labels to a user returns these too: they are verified as well.

        Raises:
            CannotRunError: this machine lacks what runs the format.
            DoesNotRunError: what runs it is here, and fails on this model.
        """
        ...


def require(found: Format, given: Artifact, quantized: Precision | None) -> None:
    """Refuse what cannot be converted, before any work.

    Raises:
        UserError: a package is missing, or the model, or the number format that is to be made of
            it, is of a kind that the format does not take.
    """
    missing = [one for one in found.packages if importlib.util.find_spec(one) is None]
    if missing:
        raise UserError(
            f"The format {found.name} needs packages that are not installed",
            got=f"no {', '.join(missing)}",
            next_step=f"pip install 'edgepress[{found.extra}]'",
        )
    if quantized is not None and quantized not in found.makes:
        raise UserError(
            f"The format {found.name} has no tool of its own here that makes {quantized}"
            + (f": {found.refusal}" if found.refusal else ""),
            got=f"--quantize {quantized}",
            allowed=", ".join(("none", *found.makes)),
            next_step=_instead(found),
        )
    taken = found.precisions if quantized is None else ("fp32",)
    if given.manifest.precision not in taken:
        raise UserError(
            f"The format {found.name} does not take {given.manifest.precision}: {found.refusal}",
            got=given.path,
            allowed=", ".join(taken),
            next_step=_instead(found),
        )
    if found.made_from == "torch" and given.manifest.kind != "torch":
        raise UserError(
            f"The format {found.name} is made from the PyTorch network, not from an ONNX file",
            got=given.path,
            next_step="give --model the PyTorch artifact that the ONNX file was exported from",
        )


def _instead(found: Format) -> str | None:
    """Return how the format comes to another number format than fp32, `None` where it does not."""
    if found.makes:
        options = " or ".join(f"--quantize {one}" for one in found.makes)
        return f"give --model the fp32 PyTorch artifact, with {options}"
    if len(found.precisions) > 1:
        return "python -m export.onnx --quantize ..., and give --model what it has made"
    return None
