"""Near-duplicates: the quick search finds what comparing all pairs finds."""

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

from edgepress.data import duplicates


def all_pairs(thumbnails: np.ndarray) -> np.ndarray:
    """Compare every thumbnail with every other one."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    centred = flat - flat.mean(axis=1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    rows, columns = np.nonzero(unit @ unit.T >= duplicates.SIMILAR)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(unit), len(unit)))
    return connected_components(graph, directed=False)[1]


def photographs(rng: np.random.Generator, n: int) -> np.ndarray:
    """Smooth pictures, whose thumbnails lie near few dimensions."""
    coarse = rng.integers(0, 255, (n, 4, 4), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((32, 32))) for c in coarse])


def noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Pictures whose thumbnails lie near no few dimensions."""
    return rng.integers(0, 255, (n, 32, 32), dtype=np.uint8)


def alike(rng: np.random.Generator, n: int) -> np.ndarray:
    """Pictures that differ little, about as much as the limit allows."""
    one = rng.normal(128, 40, (32, 32))
    spread = rng.uniform(0.2, 1.6, (n, 1, 1))
    return np.clip(one + spread * rng.normal(0, 1, (n, 32, 32)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("make", [photographs, noise, alike])
def test_groups_are_those_of_all_pairs(make):
    rng = np.random.default_rng(0)
    pictures = make(rng, 1500)
    copies = pictures[rng.permutation(1500)[:900]].astype(float)
    contrast = np.ptp(copies, axis=(1, 2), keepdims=True)
    # From the same picture to far beyond the limit; then darker, which is the same again.
    noisy = copies + rng.normal(0, 1, copies.shape) * rng.uniform(0, 0.03, (900, 1, 1)) * contrast
    both = np.concatenate([pictures, np.clip(0.9 * noisy, 0, 255).astype(np.uint8)])
    expected = all_pairs(both)
    np.testing.assert_array_equal(duplicates.groups(both), expected)
    assert 200 < len(both) - len(set(expected.tolist())) < 2399


def test_short_vectors_are_never_farther_apart_than_the_thumbnails():
    rng = np.random.default_rng(1)
    pictures = np.concatenate([photographs(rng, 200), noise(rng, 200), alike(rng, 200)])
    unit, short = duplicates.unit_vectors(pictures), duplicates.short_vectors(pictures)
    assert (pdist(short) <= pdist(unit) + 1e-5).all()
    assert np.median(pdist(short[:200]) / pdist(unit[:200])) > 0.99


def test_chains_are_one_group_and_plain_pictures_are_none():
    rng = np.random.default_rng(2)
    base, towards = rng.normal(0, 40, (2, 32, 32))
    chain = np.stack([128 + base + share * towards for share in np.linspace(0, 0.4, 21)])
    plain = np.full((3, 32, 32), 90.0)
    pictures = np.concatenate([chain, plain]).clip(0, 255).astype(np.uint8)
    found = duplicates.groups(pictures)
    ends = duplicates.unit_vectors(pictures[[0, 20]])
    assert ends[0] @ ends[1] < duplicates.SIMILAR
    assert found.tolist() == [0] * 21 + [1, 2, 3]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_pictures(n: int):
    picture = noise(np.random.default_rng(3), 1)
    assert duplicates.groups(picture.repeat(n, axis=0)).tolist() == [0] * n


def test_a_group_has_the_number_of_its_first_row():
    found = duplicates._joined(np.arange(5), np.array([0, 4]), np.array([1, 3]))
    assert found.tolist() == [0, 0, 2, 3, 3]
