"""A model must take the image, and return the probabilities, that its manifest describes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.runtimes._session import Images, Probs
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError

_FLOAT32 = ("tensor(float)", "float32", "f32")
"""The one type, as ONNX Runtime, its web build and OpenVINO call it."""


@dataclass(frozen=True)
class Port:
    """An input or output as a runtime describes it; an open dimension is not an integer."""

    dtype: str
    shape: Sequence[object]


@dataclass(frozen=True)
class Batched(Artifact):
    """A model whose file takes `batch` images in one run (made by `benchmarks.timing.rebatch`)."""

    batch: int
    batch_file: Path

    @property
    def weights(self) -> Path:
        """The file that takes the batch."""
        return self.batch_file


def images_per_run(image: Port) -> int:
    """Return how many images a model takes in one run; 1, as on the device, where that is open."""
    batch = image.shape[0]
    return batch if isinstance(batch, int) else 1


def output_name(names: Sequence[str]) -> str:
    """Return the output that holds the probabilities: `probs`, else the first."""
    return "probs" if "probs" in names else names[0]


def check(artifact: Artifact, inputs: Sequence[Port], output: Port) -> None:
    """Refuse a model whose input or output is not what its manifest says.

    Raises:
        UserError: it takes something else than one image (or than the batch of a `Batched` model),
            or returns another number of labels.
    """
    spec = artifact.manifest.image
    batch = artifact.batch if isinstance(artifact, Batched) else 1
    wanted = (batch, *spec.shape)
    first = inputs[0]
    fits = len(first.shape) == 4 and all(
        not _differs(got, want) for got, want in zip(first.shape, wanted, strict=True)
    )
    if not fits or first.dtype not in _FLOAT32 or len(inputs) != 1:
        raise UserError(
            "The model's input is not the image that its manifest describes",
            got=f"{first.dtype} {list(first.shape)} in {artifact.weights}",
            allowed=f"one float32 {list(wanted)}",
        )
    labels = len(artifact.manifest.labels.names)
    # A shape that is not known beforehand is judged when the model has answered.
    if output.shape and (len(output.shape) != 2 or _differs(output.shape[1], labels)):
        raise _other_width(output.shape, artifact, batch)


def checked(probs: Probs, images: Images, artifact: Artifact) -> Probs:
    """Return what a model has answered, if it is `[n, labels]`; numpy would broadcast the rest.

    Raises:
        UserError: it is of another shape.
    """
    if probs.shape != (len(images), len(artifact.manifest.labels.names)):
        raise _other_width(probs.shape, artifact, len(images))
    return probs


def _differs(got: object, wanted: int) -> bool:
    return isinstance(got, int) and got != wanted


def _other_width(shape: Sequence[object], artifact: Artifact, n: int) -> UserError:
    return UserError(
        "The model's output does not have one probability per label",
        got=f"{list(shape)} in {artifact.weights}",
        allowed=f"[{n}, {len(artifact.manifest.labels.names)}]",
    )
