"""Probabilities and metrics of a model on disk: `eval.npz` in its artifact."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.finite import check_finite
from edgepress.core.results import EvalResult

EVAL_FILE = "eval.npz"
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
"""What numpy raises on a damaged `.npz` file; pydantic's errors are ValueErrors too."""
_TEXT_FIELDS = set(EvalResult.model_fields) - {"scores", "targets"}


def save_eval(result: EvalResult, folder: Path) -> None:
    """Write a result as `eval.npz` into a folder.

    Raises:
        UserError: a metric is not finite.
    """
    check_finite(result, "The evaluation")
    np.savez_compressed(folder / EVAL_FILE, **pack(result))  # type: ignore[arg-type]  # numpy's stub


def load_eval(path: Path) -> EvalResult:
    """Read a result that `save_eval` wrote; nothing in the file is run.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return unpack(stored)
    except UNREADABLE as error:
        raise UserError(f"The stored evaluation cannot be read ({error})", got=path) from None


def pack(result: EvalResult) -> dict[str, NDArray[Any]]:
    """Return a result as the arrays of an `.npz` file."""
    fields = result.model_dump(include=_TEXT_FIELDS, mode="json", exclude_defaults=True)
    text = json.dumps(fields)
    return {"scores": result.scores, "targets": result.targets, "text": np.array(text)}


def unpack(stored: Mapping[str, NDArray[Any]]) -> EvalResult:
    """Return the result that `pack` has made arrays of.

    Raises:
        KeyError, ValueError: they are not what `pack` makes.
    """
    fields = json.loads(str(stored["text"]))
    return EvalResult(scores=stored["scores"], targets=stored["targets"], **fields)
