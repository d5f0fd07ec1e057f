"""What `benchmarks.compare` puts into its report beyond the figures of each model."""

from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, MakeModel

from benchmarks.compare import Config, compare

WRONG = COLOURS[::-1].copy()
"""A head that reads other colours: many decisions change."""


@pytest.mark.parametrize("images", [True, False])
def test_the_images_that_flipped_are_in_the_page_if_wanted(
    make_model: MakeModel, colours: Path, tmp_path: Path, images: bool
) -> None:
    models = (make_model("old").path, make_model("new", WRONG).path)
    out = tmp_path / "report"
    report = compare(
        Config(models=models, out=out, data=str(colours), latency=False, images=images)
    )
    first, last = report.models
    assert first.agreement is None
    assert last.agreement is not None
    assert last.agreement.n_flips > 0
    assert set(last.label_drops) == {"red", "green"}
    shown = {flip.image_id for flip in last.agreement.flips}
    assert (out / "report.html").read_text().count("data:image/jpeg") == images * len(shown)


def test_the_same_model_twice_changes_nothing(
    make_model: MakeModel, colours: Path, tmp_path: Path
) -> None:
    models = (make_model("old").path, make_model("copy", np.copy(COLOURS)).path)
    report = compare(
        Config(models=models, out=tmp_path / "report", data=str(colours), latency=False)
    )
    last = report.models[1]
    assert last.agreement is not None
    assert last.agreement.share == 1
    assert last.map_drop_ci95[0] == -last.map_drop_ci95[1]
    assert all(drop is not None and drop.p_holm == 1 for drop in last.label_drops.values())
