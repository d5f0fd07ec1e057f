"""A usual normalisation is taken where the images surely tell it, and is asked for elsewhere."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from export.adopting import pixel_search
from export.adopting.sources._source import Adapter

ADAPTER = Adapter(layout="NCHW", output="probs")
SPEC = ImageSpec(height=1, width=1)


class Sees:
    """One label, whose score the image holds; `luck` is how far it follows the truth."""

    def __init__(self, n: int, seed: int, signal: dict[str, float]) -> None:
        rng = np.random.default_rng(seed)
        self.targets = (np.arange(n)[:, None] % 2).astype(np.float32)
        self.rows = np.arange(n)
        ways = pixel_search.usual(3)
        self.scores = {
            ways[name]: signal.get(name, 0.0) * self.targets + rng.normal(0, 1, (n, 1))
            for name in ways
        }

    def images(self, spec: ImageSpec) -> np.ndarray:
        """Return the scores under a normalisation, as if they were images."""
        return self.scores[spec.mean, spec.std].astype(np.float32)


def found(sample: Sees, monkeypatch: pytest.MonkeyPatch) -> pixel_search.Pixels:
    monkeypatch.setattr(pixel_search, "run", lambda _source, _adapter, images: images)
    config = SimpleNamespace(mean=None, std=None, channel_order="RGB")
    return pixel_search.find(config, None, ADAPTER, SPEC, sample)


@pytest.mark.parametrize("name", ["-1 to 1", "Caffe's"])
def test_what_the_images_surely_tell_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = found(Sees(60, 0, {name: 4.0}), monkeypatch)
    assert (pixels.spec.mean, pixels.spec.std) == pixel_search.usual(3)[name]
    assert f"pixels: {name} (surely the best mAP on 60 images" in pixels.facts[0]


def test_the_better_of_two_by_luck_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Sees(20, 0, {"ImageNet's": 1.5, "-1 to 1": 1.5})
    with pytest.raises(UserError) as refused:
        found(sample, monkeypatch)
    said = str(refused.value)
    assert "no usual way is surely the best" in said
    assert "mAP on 20 images: ImageNet's 0." in said
    assert "Caffe's 0." in said
    assert "--mean 0." in said


def test_luck_seldom_passes_for_knowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ways of one quality: whichever is the network's, at most 1% of draws may take other."""
    taken = 0
    for seed in range(60):
        try:
            found(Sees(20, seed, {"ImageNet's": 2.0, "-1 to 1": 2.0}), monkeypatch)
        except UserError:
            continue
        taken += 1
    assert taken <= 2


def test_a_network_that_normalises_by_itself_needs_no_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = Sees(20, 0, {"ImageNet's": 2.0})
    same = sample.scores[pixel_search.usual(3)["ImageNet's"]]
    sample.scores = dict.fromkeys(sample.scores, same)
    assert found(sample, monkeypatch).spec.mean == pixel_search.usual(3)["ImageNet's"][0]
