"""A model's figures in one file, so that later models are held against it without running it.

Accuracy is compared image by image with the stored probabilities, size with the stored size. Speed
is never compared with a stored number: latency gates run the baseline's model file again.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.runtimes import _session
from edgepress.core import writable
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.eval_file import UNREADABLE, pack, unpack
from edgepress.core.hashing import file_sha256
from edgepress.core.manifest import Manifest
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult

SUFFIX = ".npz"


class Remembered(Noun):
    """What the file says of the model."""

    schema_version: int = 1
    name: str
    path: str
    """The artifact or `.onnx` file, relative to the baseline file."""
    weights_sha256: str
    size_bytes: int
    manifest: Manifest


@dataclass(frozen=True)
class BaselineModel(Artifact):
    """A model known from a baseline file; its own files may be gone."""

    remembered: Remembered
    evaluation: EvalResult

    @property
    def name(self) -> str:
        """The name it had when it was saved."""
        return self.remembered.name

    @property
    def size_bytes(self) -> int:
        """The size it had when it was saved."""
        return self.remembered.size_bytes


def check_file(file: Path) -> None:
    """Refuse, before any work, a baseline file that `save` could not write.

    Raises:
        UserError: it cannot be written, or does not end in `.npz`.
    """
    if file.suffix != SUFFIX:
        raise UserError("A baseline file ends in .npz", got=file)
    writable.check_replaced_file(file, "The baseline")


def save(model: Artifact, evaluation: EvalResult, file: Path) -> None:
    """Write a model's figures, whole or not at all.

    Raises:
        UserError: the file cannot be written, or does not end in `.npz`.
    """
    check_file(file)
    remembered = Remembered(
        name=model.name,
        path=os.path.relpath(model.path.resolve(), file.resolve().parent),
        weights_sha256=file_sha256(model.weights),
        size_bytes=model.size_bytes,
        manifest=model.manifest,
    )
    arrays = {"model": np.array(remembered.model_dump_json()), **pack(evaluation)}
    with writable.or_refused(file, "The baseline"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with writable.drafted(file) as draft:
            np.savez_compressed(draft, **arrays)  # type: ignore[arg-type]  # numpy's stub


def load(file: Path) -> BaselineModel:
    """Read a baseline file; nothing in it is run.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            remembered = Remembered.model_validate_json(str(stored["model"]))
            evaluation = unpack(stored)
    except UNREADABLE as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"The baseline cannot be read ({problem})", got=file) from None
    path = (file.resolve().parent / remembered.path).resolve()
    return BaselineModel(path, remembered.manifest, remembered, evaluation)


def require_same_runtime(model: BaselineModel, provider: str) -> None:
    """Refuse to compare accuracy with a baseline that another runtime has computed.

    One whose runtime is not known is taken as it is.

    Raises:
        UserError: it is.
    """
    asked, wanted = model.evaluation.provider_asked, _session.name_for(model, provider)
    if asked not in (None, wanted):
        raise UserError(
            "The baseline's accuracy was measured with another runtime",
            got=f"{asked}, and --provider {provider}",
            next_step=f"--provider {asked}, or save a new one: python -m benchmarks.compare ... "
            f"--provider {provider} --save FILE.npz",
        )


def require_same_file(model: BaselineModel) -> None:
    """Refuse to run a baseline whose model file is gone or is another one.

    Raises:
        UserError: it is.
    """
    weights = model.path if model.path.suffix == ".onnx" else model.weights
    if not weights.is_file():
        raise UserError(
            "Latency and robustness are measured again, never remembered, and the baseline's model "
            "is not here",
            got=weights,
            next_step="restore the file, or leave gates on latency and robust_map out",
        )
    if file_sha256(weights) != model.remembered.weights_sha256:
        raise UserError(
            "The baseline's model has changed since the baseline was saved",
            got=weights,
            next_step="save a new one: python -m benchmarks.compare ... --save FILE.npz",
        )
