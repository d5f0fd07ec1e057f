"""Thumbnails: small, of the right images, and never too many."""

import io
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.comparison import thumbnails as module
from benchmarks.comparison.thumbnails import thumbnails
from benchmarks.report.schema import AgreementEntry, FlipEntry, ModelEntry, Report
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.images import LONGEST_PX


@pytest.fixture
def dataset(colours: Path) -> Dataset:
    """Return images of one colour each."""
    return open_data(str(colours))


def report(*models: list[str]) -> Report:
    """Return a report in which these images flipped, by model."""
    entries = tuple(_model(str(place), ids) for place, ids in enumerate(models))
    return Report(
        title="", command="", models=entries, data={}, environment={}, aa={}, verdict="pass"
    )


def _model(name: str, ids: list[str]) -> ModelEntry:
    flips = tuple(
        FlipEntry(image_id=i, label="red", target=True, decided=True, before=0, after=1)
        for i in ids
    )
    found = AgreementEntry(
        share=0.9, ci95=(0.8, 1), n_flips=len(ids), n_now_right=0, n_now_wrong=0, flips=flips
    )
    return ModelEntry(
        name=name, stage="", parent=None, path="", kind="onnx", precision="fp32", target=None,
        params=None, macs=None, size_bytes=1, map=None, map_ci95=None, ap={}, ap_ci95={},
        f1_macro=None, ece=None, latency_s={}, latency_samples_s={}, speedup={}, int8_convs=None,
        peak_rss_bytes=None, pr_curves={}, gates=(), agreement=found,
    )  # fmt: skip


def test_each_image_is_small_and_the_right_one(dataset: Dataset) -> None:
    ids = list(dataset.image_ids[:3])
    made = thumbnails(report(ids, ids[:1]), dataset)
    assert list(made) == ids
    for row, jpeg in enumerate(made.values()):
        with Image.open(io.BytesIO(jpeg)) as small, Image.open(dataset.paths[row]) as original:
            assert small.format == "JPEG"
            assert max(small.size) <= LONGEST_PX
            middle = (small.width // 2, small.height // 2)
            shown, true = small.convert("RGB").getpixel(middle), original.getpixel(middle)
        assert all(abs(a - b) < 50 for a, b in zip(shown, true, strict=True))


def test_the_largest_flip_of_every_model_comes_first(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = list(dataset.image_ids)
    both = report(ids[:3], ids[3:6])
    assert list(thumbnails(both, dataset)) == [ids[place] for place in (0, 3, 1, 4, 2, 5)]
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    few = thumbnails(both, dataset)
    assert list(few) == [ids[place] for place in (0, 3, 1, 4, 2, 5)][: len(few)]
    assert 0 < len(few) < 6
    assert sum(map(len, few.values())) <= 1000


def test_an_image_that_is_gone_is_left_out(dataset: Dataset) -> None:
    dataset.paths[0].unlink()
    made = thumbnails(report([dataset.image_ids[0], "unknown", dataset.image_ids[1]]), dataset)
    assert list(made) == [dataset.image_ids[1]]
