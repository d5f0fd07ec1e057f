"""`python -m benchmarks.claims.web_resizing`: with Pillow as the browser nothing differs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colours import paint
from PIL import Image

from benchmarks.claims import web_resizing
from edgepress.core.image_spec import ImageSpec
from edgepress.data.images import to_pixels

COMMAND = "benchmarks.claims.web_resizing"


@pytest.fixture
def words(make_model: Any, tmp_path: Path) -> tuple[object, ...]:
    data = paint(tmp_path / "pictures", 30)
    out = tmp_path / "told" / "resizing.json"
    return ("--model", make_model("one").path, "--data", data, "--images", 3, "--out", out)


@pytest.mark.parametrize("off", [0, 3])
def test_what_the_browser_changes_is_counted(
    off: int, words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, command
) -> None:
    def resized(taken: list[np.ndarray], spec: ImageSpec) -> np.ndarray:
        pixels = np.stack([to_pixels(Image.fromarray(one), spec) for one in taken])
        return np.where(pixels < 128, pixels + off, pixels - off).astype(np.uint8)

    monkeypatch.setattr(web_resizing._web, "chromium", lambda: "a browser")
    monkeypatch.setattr(web_resizing, "_resized", resized)
    done = command(COMMAND, *words)
    assert done.code == 0, done.err
    found = web_resizing.Result.model_validate_json(Path(str(words[-1])).read_text())
    assert (found.images, found.max_levels, found.mean_levels) == (3, off, off)
    assert (found.max_prob_diff > 0) is (off > 0)
    assert found.flipped == 0
    assert f"| 3 | {off} ({off}.00) |" in web_resizing.table(found)


def test_without_a_browser_it_is_refused(
    words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, command
) -> None:
    monkeypatch.setattr(web_resizing._web, "chromium", lambda: None)
    done = command(COMMAND, *words)
    assert (done.code, "Chromium" in done.err) == (2, True)
