"""Which images a model answers when it is measured."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_data import made

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Split
from edgepress.data import probe
from edgepress.data.context import Context

SPEC = ImageSpec(height=64, width=96)
WHOLE = np.random.default_rng(0).integers(0, 256, (120, 64, 96, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.pixels, "decoded", lambda dataset, spec: WHOLE)


def context(val: Sequence[int], train: Sequence[int] = ()) -> Context:
    data = made([[row % 2] for row in range(120)])
    ids = {name: [data.image_ids[row] for row in rows]
           for name, rows in (("train", train), ("val", val), ("test", [119]))}  # fmt: skip
    return Context(data, Split(**ids), SPEC)


@pytest.mark.parametrize(
    ("among", "chosen"),
    [
        (range(100, 111), [100, 102, 104, 106, 108, 110]),
        ([3, 5, 7], [3, 5, 7]),
        ([4], [4]),
    ],
)
def test_six_photographs_evenly_spaced_and_two_images_of_noise(among, chosen):
    found = probe.images(context(among))
    assert found.shape == (len(chosen) + 2, 32, 32, 3)
    assert (found[: len(chosen)] == WHOLE[chosen][:, ::2, ::3]).all()
    again = probe.images(context([0]))
    assert (found[-2:] == again[-2:]).all(), "the same noise for every model"
    assert np.unique(found[-2:]).size == 256


@pytest.mark.parametrize(("val", "wanted"), [([3, 4], [3, 4]), ([], [0, 1])])
def test_photographs_are_of_the_validation_part_else_of_the_training_part(val, wanted):
    found = probe.images(context(val, train=[0, 1]))
    assert (found[:2] == WHOLE[wanted][:, ::2, ::3]).all()


def test_a_model_that_answers_nan_is_refused_by_how_many_images(tmp_path: Path):
    answers = np.zeros((3, 2), np.float32)
    answers[1, 0], answers[2] = np.nan, np.inf
    with pytest.raises(UserError, match=r"for 2 of 3 images\."):
        probe.write(lambda _: answers, np.zeros((3, 32, 32, 3), np.uint8), SPEC, tmp_path)
    assert not list(tmp_path.iterdir())
