"""What is compared on a few images is compared on a sample of them, in a table sorted by label."""

import numpy as np
import pytest
from export_helpers import LABELS
from PIL import Image

from edgepress.core.artifact import Artifact
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.random_split import default_split
from edgepress.data.split import training_rows
from export.making import evidence
from export.shipped import photographs


@pytest.fixture(scope="module")
def sorted_data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """240 photographs: first those without the first label, which are dark; a third has it."""
    folder = tmp_path_factory.mktemp("sorted")
    random = np.random.default_rng(0)
    rows = ["image," + ",".join(LABELS)]
    for number in range(240):
        bright = int(number >= 160)
        pixels = random.integers(0, 90, (12, 14, 3)) + 160 * bright
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:03d}.png")
        rows.append(f"{number:03d}.png,{bright},{number % 2},{int(number % 5 == 0)}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return open_data(str(folder))


def test_of_a_bundle_and_a_conversion(trained: Artifact, sorted_data: Dataset) -> None:
    paths = photographs.validation(context_of(sorted_data, trained), 12)
    bright = [np.asarray(Image.open(path)).mean() > 120 for path in paths]
    assert (len(bright), sum(bright)) == (12, pytest.approx(4, abs=1))


def test_of_parity(trained: Artifact, sorted_data: Dataset) -> None:
    means = evidence.parity_images(context_of(sorted_data, trained), 12).mean(axis=(1, 2, 3))
    bright = means > (means.min() + means.max()) / 2
    assert (len(bright), bright.sum()) == (12, pytest.approx(4, abs=1))
    assert np.ptp(means) > 1


def test_of_calibration_and_its_first_images(sorted_data: Dataset) -> None:
    rows = training_rows(sorted_data, default_split(sorted_data), 48, seed=0)
    for n in (12, 48):
        assert (rows[:n] >= 160).sum() == pytest.approx(n / 3, abs=2)
