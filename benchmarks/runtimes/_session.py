"""What every runtime offers: whether it is there, and a session that gives probabilities."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edgepress.core import memory, registry
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.source import source_hash

RUNTIMES = "benchmarks.runtimes"

Images = NDArray[np.float32]
"""Normalised by the model's ImageSpec, `[n, channels, height, width]`."""
Probs = NDArray[np.float32]
"""`[n, labels]`"""


class Availability(Noun):
    """Whether a runtime can be used on this machine."""

    ok: bool
    reason: str
    """What was found, or what is missing."""
    remedy: str | None = None
    """The command that would make it available."""


class Runs(Protocol):
    """What answers images."""

    def run(self, images: Images) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, channels, height, width]`."""
        ...


class Session(Runs, Protocol):
    """An open model."""

    provider_asked: str
    provider_opened: str
    node_share: float
    """Share of graph nodes on the provider that was asked for."""


@runtime_checkable
class TimesItself(Protocol):
    """A session that times its runs where they happen, since the way there costs time too."""

    def time_runs(self, image: Images, least: int, shortest_s: float) -> tuple[float, ...]:
        """Return the seconds of each of `least` runs or more, over `shortest_s` or longer."""
        ...


@runtime_checkable
class TakesBatches(Protocol):
    """A session that runs as many images in one call as the model's file takes."""

    batch: int
    """Images in one call; `run` is given a multiple of it."""


@runtime_checkable
class TellsWaiting(Protocol):
    """A session whose threads are in this process."""

    waiting: str
    """How threads without work wait: `spinning`, which is the quickest and takes a core from
    others, `sleeping`, or a setting that says so; `one thread` has nobody to wait for."""


ONE_THREAD, SPINNING, SLEEPING = "one thread", "spinning", "sleeping"


class Runtime(Protocol):
    """A module of this folder."""

    def available(self) -> Availability:
        """Tell whether the runtime can be used here."""
        ...

    def open_session(
        self, artifact: Artifact, threads: int, across_images: bool = False
    ) -> Session:
        """Open a model.

        `threads` work inside one image, or, with `across_images`, on one image each.
        """
        ...


def find(name: str) -> Runtime:
    """Return a runtime that is available.

    Raises:
        UserError: no such runtime, or it is not available here.
    """
    runtime: Runtime = registry.find(RUNTIMES, name, "provider")
    found = runtime.available()
    if not found.ok:
        raise UserError(
            f"The provider is not available here: {found.reason}",
            got=name,
            allowed=", ".join(names_available()),
            next_step=found.remedy,
        )
    return runtime


def module_of(name: str) -> str:
    """Return the full name of the module that a runtime is.

    Raises:
        UserError: no such runtime.
    """
    return registry.module_of(RUNTIMES, name, "provider")


def source(artifact: Artifact, provider: str) -> str:
    """Return a hash of the source of the runtime that runs a model when `provider` is asked for.

    Raises:
        UserError: no such runtime, or torch is asked to run an ONNX file.
    """
    return source_hash(module_of(name_for(artifact, provider)))


def names_available() -> tuple[str, ...]:
    """Return the names of the runtimes that can be used on this machine."""
    return tuple(
        name
        for name in registry.names(RUNTIMES)
        if registry.find(RUNTIMES, name, "provider").available().ok
    )


def name_for(artifact: Artifact, provider: str) -> str:
    """Return the runtime that runs this kind of model when `provider` is asked for.

    A torch model only runs in torch.

    Raises:
        UserError: torch is asked to run an ONNX file.
    """
    if artifact.manifest.kind == "torch":
        return "torch"
    if provider == "torch":
        raise UserError(
            "The torch runtime cannot run an ONNX model",
            got=artifact.path,
            allowed="a model of kind torch, or another --provider",
        )
    return provider


def require(models: Iterable[Artifact], provider: str) -> None:
    """Refuse, before any data are read, a provider that cannot run the ONNX models among these.

    Torch models are not asked about: what their stage has stored often does without torch.

    Raises:
        UserError: no such runtime, it is not available here, or it is torch.
    """
    for model in models:
        if model.manifest.kind == "onnx":
            find(name_for(model, provider))


def said(error: Exception) -> str:
    """Return the line of a runtime's error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Exception from ")]  # OpenVINO's
    return (telling or lines or [type(error).__name__])[0]


def cannot_open(runtime: str, artifact: Artifact, error: Exception) -> UserError:
    """Return the error for a runtime that failed to open a model."""
    return memory.from_error(error, artifact.weights) or UserError(
        f"{runtime} cannot open the model ({said(error)})", got=artifact.weights
    )


def broke(runtime: str, error: Exception) -> UserError:
    """Return the error for a runtime that opened a model and then failed to run it."""
    return memory.from_error(error) or UserError(
        f"{runtime} opened the model, and failed while it ran it ({said(error)})",
        next_step="try another --provider; python -m benchmarks.runtimes lists them",
    )
