"""Two results are compared only where everything is the same: each thing alone is noticed."""

from typing import Any

import numpy as np
import pytest

from benchmarks import folds, statistics
from compress.core.errors import UserError
from compress.core.labels import Labels
from compress.core.results import EvalResult


def result(**changes: Any) -> EvalResult:
    """Return a result of four images, two labels and two views."""
    plain: dict[str, Any] = {
        "data_id": "data:test",
        "label_names": ("a", "b"),
        "image_ids": ("0", "1", "2", "3"),
        "view_names": ("identity", "flip"),
        "scores": np.full((2, 4, 2), 0.5, np.float32),
        "targets": np.array([[0, 1], [1, 0], [0, 1], [1, 0]], np.float32),
        "ap": {},
        "map": None,
        "f1_macro": None,
        "ece": None,
    }
    return EvalResult(**(plain | changes))


OTHERS = {
    "data_id": "data:val",
    "image_ids": ("1", "0", "2", "3"),
    "label_names": ("b", "a"),
    "view_names": ("identity", "turn"),
    "folds": (1, 1, 2, 2),
    "groups": (0, 0, 1, 1),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_differs_is_refused_by_its_name(name: str) -> None:
    other = result(**{name: OTHERS[name]})
    assert statistics.check_paired(result(), result()) is None
    assert statistics.check_paired(other, other) is None
    for pair in ((result(), other), (other, result())):
        with pytest.raises(UserError, match=f"not measured on the same data: {name} differs"):
            statistics.check_paired(*pair)


@pytest.mark.parametrize("name", ["data_id", "label_names", "view_names"])
@pytest.mark.parametrize("place", [1, 2])
def test_every_fold_was_measured_on_the_same(name: str, place: int) -> None:
    parts = [result(image_ids=tuple(f"{fold}{row}" for row in range(4))) for fold in range(3)]
    parts[place] = parts[place].model_copy(update={name: OTHERS[name]})
    half = Labels(names=("a", "b"), thresholds=(0.5, 0.5), prevalence=(0.5, 0.5))
    with pytest.raises(UserError, match=f"{name} differs"):
        folds.combined(tuple(parts), (half,) * 3)
