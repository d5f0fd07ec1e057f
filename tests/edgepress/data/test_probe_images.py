"""Which images a model answers when it is measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgepress.core.image_spec import ImageSpec
from edgepress.data import probe

SPEC = ImageSpec(height=64, width=96)


@pytest.mark.parametrize(
    ("among", "chosen"),
    [
        (range(100, 111), [100, 102, 104, 106, 108, 110]),
        ([7, 3, 5], [7, 3, 5]),
        ([4], [4]),
    ],
)
def test_six_photographs_evenly_spaced_and_two_images_of_noise(monkeypatch, among, chosen):
    whole = np.random.default_rng(0).integers(0, 256, (120, 64, 96, 3), dtype=np.uint8)
    monkeypatch.setattr(probe.pixels, "decoded", lambda dataset, spec: whole)
    found = probe.images(SimpleNamespace(), SPEC, np.array(among))
    assert found.shape == (len(chosen) + 2, 32, 32, 3)
    assert (found[: len(chosen)] == whole[chosen][:, ::2, ::3]).all()
    again = probe.images(SimpleNamespace(), SPEC, np.array([0]))
    assert (found[-2:] == again[-2:]).all(), "the same noise for every model"
    assert np.unique(found[-2:]).size == 256


@pytest.mark.parametrize(("val", "wanted"), [([3, 4], [3, 4]), ([], [0, 1])])
def test_photographs_are_of_the_validation_part_else_of_the_training_part(monkeypatch, val, wanted):
    parts = {"val": val, "train": [0, 1]}
    monkeypatch.setattr(probe, "indices", lambda _data, _split, part: np.array(parts[part], int))
    assert probe.rows(SimpleNamespace(), SimpleNamespace()).tolist() == wanted
