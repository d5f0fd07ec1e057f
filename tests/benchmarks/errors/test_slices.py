"""Slices: how images are grouped, and whether a difference is one."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from error_reports import UNKNOWN, judged, random_scores
from PIL import Image, ImageFilter
from scipy.ndimage import convolve
from scipy.stats import fisher_exact
from sklearn.metrics import average_precision_score

from benchmarks.errors import grouping, properties, slices
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data.dataset import open_data
from edgepress.data.table import Table


def halves(n: int) -> np.ndarray:
    return np.arange(n) < n // 2


def test_the_gap_is_that_of_ap_where_prevalence_is_the_same() -> None:
    targets, probs = [[1], [0], [1], [0]] * 2, [[0.9], [0.8], [0.7], [0.1]] + [[0.9], [0.1]] * 2
    # 1/2 (1/1 + 2/3) in the slice, 1 in the rest.
    assert slices.gap(judged(targets, probs), halves(8)).value == pytest.approx(5 / 6 - 1)


def test_a_rarer_label_is_no_worse_model() -> None:
    """The rest repeats every negative five times: its AP is lower, and nothing else differs."""
    positives, negatives = [0.9, 0.6, 0.4], [0.8, 0.5, 0.2]
    scores = positives + negatives + positives + 5 * negatives
    targets = [1] * 3 + [0] * 3 + [1] * 3 + [0] * 15
    inside = np.arange(24) < 6
    plain = [average_precision_score(np.array(targets)[rows], np.array(scores)[rows])
             for rows in (inside, ~inside)]  # fmt: skip
    assert plain[0] - plain[1] > 0.1
    gap = slices.gap(judged(np.array(targets)[:, None], np.array(scores)[:, None]), inside)
    assert gap.value == pytest.approx(0, abs=1e-12)


def test_only_labels_defined_on_both_sides_are_compared() -> None:
    one = judged([[1, 0], [0, 0], [1, 1], [0, 0]], [[0.9, 0.1], [0.1, 0.2], [0.2, 0.3], [0.8, 0.9]])
    assert slices.gap(one, halves(4)).value == pytest.approx(1 - 0.5)
    none = judged([[0], [0], [1], [0]], [[0.1]] * 4)
    assert slices.gap(none, halves(4)) is None
    (found,) = slices.slices(none, [grouping.Group("x", "x", halves(4))])
    assert (found.map, found.difference.value, found.p_holm) == (None, None, None)
    assert found.recall["a"].value is None


def test_a_planted_slice_is_found_and_a_random_one_is_not() -> None:
    targets, probs = random_scores(3, 900, 0.0)
    draw = np.random.default_rng(5)
    bad = np.arange(900) < 200
    probs[bad] = draw.permutation(probs[bad])
    groups = [grouping.Group("x", "bad", bad)]
    groups += [grouping.Group("x", f"random {i}", draw.permutation(bad)) for i in range(5)]
    found = slices.slices(judged(targets, probs), groups)
    assert found[0].p_holm < 0.05
    assert found[0].difference.ci95[1] < -0.2
    assert all(one.p_holm > 0.05 for one in found[1:])
    assert found[0].recall["a"].p_holm < 0.05


def test_unknown_targets_count_nowhere() -> None:
    targets, probs = random_scores(1, 200, 0.0)
    more = judged(np.vstack([targets, [[UNKNOWN]] * 50]), np.vstack([probs, [[0.99]] * 50]))
    inside = np.append(halves(200), [True] * 50)
    found = [slices.gap(more, inside), slices.gap(judged(targets, probs), halves(200))]
    assert astuple(found[0])[:6] == pytest.approx(astuple(found[1])[:6])
    recall = slices.recalls(more, [inside])[0]["a"]
    assert recall == slices.recalls(judged(targets, probs), [halves(200)])[0]["a"]


def test_recalls_by_hand() -> None:
    targets = [[1, 1]] * 12
    found = [[1, 1]] * 1 + [[0, 1]] * 5 + [[1, 1]] * 6
    one = judged(targets, np.array(found) * 0.8 + 0.1)
    recall = slices.recalls(one, [halves(12)])[0]
    assert (recall["a"].value, recall["a"].rest, recall["a"].positives) == (1 / 6, 1, 6)
    assert recall["a"].p_holm == pytest.approx(2 * fisher_exact([[1, 5], [6, 0]]).pvalue)
    assert recall["b"].p_holm == 1


def test_images_of_a_group_are_no_evidence_of_their_own() -> None:
    """Four pictures of each of twelve patients, all alike, say what one of each says."""
    found = np.array([[1]] * 1 + [[0]] * 5 + [[1]] * 6) * 0.8 + 0.1
    four = judged([[1]] * 48, np.repeat(found, 4, axis=0))
    alike = replace(four, groups=tuple(number // 4 for number in range(48)))
    p = [slices.recalls(one, [halves(48)])[0]["a"].p_holm for one in (four, alike)]
    exact = [fisher_exact([[k, 5 * k], [6 * k, 0]]).pvalue for k in (4, 1)]
    assert p == pytest.approx(exact)


def test_thirds_are_of_one_size_and_a_constant_has_none() -> None:
    found = grouping.thirds("brightness", np.arange(90), "{:.0f}")
    assert [one.name for one in found.groups] == [
        "brightness below 30", "brightness 30 to 60", "brightness 60 or more",
    ]  # fmt: skip
    assert [one.inside.sum() for one in found.groups] == [30, 30, 30]
    assert sum(one.inside.astype(int) for one in found.groups).max() == 1
    constant = grouping.thirds("brightness", np.ones(90), "{:.0f}")
    assert constant.groups == ()
    assert "too few different" in constant.notes[0]


def table(**columns: tuple[str, ...]) -> Table:
    n = len(next(iter(columns.values())))
    return Table((Path("x"),) * n, ("a",), np.zeros((n, 1), np.float32), columns=columns)


def test_a_column_of_words_is_grouped_by_word_and_rare_ones_are_told() -> None:
    found = grouping.by_column(
        table(site=("north",) * 20 + ("south",) * 12 + ("",) * 10 + ("moon",)),
        "site",
        np.arange(43),
    )
    names = [one.name for one in found.groups]
    assert names == ["site north", "site south", "site (no value)"]
    assert found.groups[1].inside.sum() == 12
    assert "1 of 4 values left out, fewer than 10 images each" in found.notes[0]


def test_a_column_of_numbers_is_cut_into_thirds() -> None:
    ages = tuple(str(age) for age in range(60)) + ("",) * 15
    found = grouping.by_column(table(age=ages), "age", np.arange(75))
    assert [one.inside.sum() for one in found.groups] == [20, 20, 20]
    assert not any(one.inside[60:].any() for one in found.groups)
    two = grouping.by_column(table(age=("1", "2") * 20), "age", np.arange(40))
    assert [one.name for one in two.groups] == ["age 1", "age 2"]


def test_a_column_is_read_on_the_rows_of_the_part() -> None:
    found = grouping.by_column(table(site=("x",) * 30 + ("y",) * 30), "site", np.arange(15, 45))
    assert [one.inside.sum() for one in found.groups] == [15, 15]
    same = grouping.by_column(table(site=("x",) * 30), "site", np.arange(30))
    assert same.notes == ("site: all images have x",)


def test_too_many_values_are_told() -> None:
    texts = tuple(f"patient {i}" for i in range(20) for _ in range(10))
    found = grouping.by_column(table(patient=texts), "patient", np.arange(200))
    assert len(found.groups) == grouping.MOST_GROUPS
    assert "8 of 20 values left out, only the 12 most frequent are shown" in found.notes[0]


def test_an_unknown_column_is_refused_with_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 'site'"):
        grouping.check_columns(("sit",), table(site=("x",)))


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    grey = np.random.default_rng(0).uniform(0, 255, (20, 20))
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    wanted = convolve(grey, kernel, mode="nearest").var()
    assert properties.blur_measure(grey) == pytest.approx(wanted)


def test_properties_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (32, 48)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "sharp.png")
    Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)).save(folder / "blurred.png")
    Image.fromarray(np.full((64, 64), 51, np.uint8)).save(folder / "dark.png")
    (folder / "t.csv").write_text("image,a\nsharp.png,1\nblurred.png,0\ndark.png,1\n")
    dataset = open_data(str(folder))
    found = properties.look(dataset, np.array([2, 0, 1]), ImageSpec(height=32, width=32))
    assert found.pixels.tolist() == [[64, 64], [48, 32], [48, 32]]
    assert found.brightness[0] == pytest.approx(0.2)
    assert found.sharpness[1] > 10 * found.sharpness[2] > found.sharpness[0] == 0
    assert "size: 2 of 2 values left out, fewer than 10 images each" in (
        grouping.by_properties(found).notes
    )
