"""Labels that are known of a few images, or of none in the training part."""

from pathlib import Path

import numpy as np
import pytest
from small_training import FAST, write

from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.finite import check_finite
from edgepress.core.labels import Labels, shares
from edgepress.core.manifest import Measurements
from edgepress.data.dataset import _check_labels
from edgepress.data.table import Table

NAN = float("nan")


def one_in_six(row: int) -> tuple[object, object]:
    """A known cell in one of six images; most batches of two know nothing."""
    first = "" if row % 6 else row // 6 % 2
    return first, "" if row % 6 != 3 else row // 6 % 2


def test_sparse_labels_are_trained_with_the_defaults(tmp_path: Path, command):
    data = write(tmp_path / "data", one_in_six)
    out = tmp_path / "model"
    done = command("compress.train", "--data", data, "--out", out, *FAST, "--mixup-probability", 1)
    assert done.code == 0, done.err
    assert "learning-rate" not in done.err
    assert artifacts.load(out).manifest.labels.prevalence == (0.5, 0.5)


def test_a_label_that_training_does_not_know_is_named_and_readable(tmp_path: Path, command):
    data = write(tmp_path / "data", lambda row: (row % 2, "" if row < 24 else row // 2 % 2))
    out = tmp_path / "model"
    done = command("compress.train", "--data", data, "--out", out, *FAST)
    assert done.code == 0, done.err
    before, _, after = done.err.partition("epoch 1/2")
    sentence = "of no training image is known whether it has: spot"
    assert sentence in before
    assert sentence not in after.partition("done:")[0]
    manifest = artifacts.load(out).manifest
    assert manifest.labels.prevalence == (0.5, None)
    assert any(sentence in note for note in manifest.notes)
    pruned = tmp_path / "pruned"
    done = command(
        "compress.prune", "--model", out, "--data", data, "--out", pruned, "--rounds", 1,
        "--round-to", 1, "--epochs", 1, "--batch-size", 2, "--macs", 0.7,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert sentence in done.err
    assert artifacts.load(pruned).manifest.labels.prevalence == (0.5, None)


def test_labels_of_one_kind_in_the_training_part_are_named(tmp_path: Path, command):
    data = write(
        tmp_path / "data", lambda row: (int(row % 4 > 1 or row < 24), int(row > 24 + row % 2))
    )
    done = command("compress.train", "--data", data, "--out", tmp_path / "model", *FAST)
    assert done.code == 0, done.err
    assert "every training image has: crack;" in done.err
    assert "no training image has: spot;" in done.err
    assert artifacts.load(tmp_path / "model").manifest.labels.prevalence == (1.0, 0.0)


def test_nothing_known_at_all_is_refused_before_the_work(tmp_path: Path, command):
    data = write(tmp_path / "data", lambda row: ("", "") if row < 24 else (row % 2, row // 2 % 2))
    done = command("compress.train", "--data", data, "--out", tmp_path / "model", *FAST)
    assert done.code == 2
    assert "No label is known of any training image" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_label_that_nobody_knows_is_refused_as_such(tmp_path: Path):
    targets = np.array([[1, NAN, 0], [0, NAN, NAN]], np.float32)
    table = Table((tmp_path,) * 2, ("crack", "spot", "rust"), targets, ("identity",))
    with pytest.raises(UserError, match=r"known of no image.*\bspot\b(?!.*rust)"):
        _check_labels(table)


def test_shares_are_of_known_targets():
    found = shares([[1, NAN, 0, 1], [0, NAN, 0, NAN], [NAN, NAN, 0, 1], [0, NAN, 0, 1]])
    assert found == (pytest.approx(1 / 3), None, 0.0, 1.0)


def test_what_is_not_finite_is_not_stored(tmp_path: Path):
    from models.defaults import ZOO_TEACHER

    manifest = artifacts.load(ZOO_TEACHER).manifest
    names = manifest.labels.names
    odd = Labels(names=names, thresholds=(0.5,) * 4, prevalence=(0.1, 0.2, NAN, 0.4))
    (tmp_path / "work").mkdir()
    wrong = manifest.model_copy(update={"labels": odd})
    with pytest.raises(UserError, match=r"cannot be stored.*labels\.prevalence\[2\] = nan"):
        artifacts.save(tmp_path / "out", tmp_path / "work", wrong)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="map = inf"):
        check_finite(Measurements(map=float("inf")), "It")
    check_finite(manifest, "The manifest")
