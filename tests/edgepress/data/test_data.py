"""Readers, images, split: what comes in is what was stored, and nothing leaks."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import pixels, random_split, split, views
from edgepress.data.dataset import open_data
from edgepress.data.duplicates import groups
from edgepress.data.images import open_image, to_pixels


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    for number in range(30):
        Image.fromarray(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(
            folder / f"p{number}.png"
        )
    return folder


def write(folder: Path, name: str, rows: list[list[str]], delimiter: str = ",") -> Path:
    path = folder / name
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def test_columns_and_names_describe_the_same_data(photos: Path):
    sets = [
        [label for label in "abc" if (n + ord(label)) % 3 == 0 or n % 5 == 0] for n in range(30)
    ]
    columns = [["file", "a", "b", "c"]]
    columns += [[f"p{n}.png", *(str(int(x in s)) for x in "abc")] for n, s in enumerate(sets)]
    first = open_data(str(write(photos, "columns.csv", columns)))
    for number, separator in enumerate("|;, "):
        names = [["image", "labels"]] + [
            [f"p{n}.png", separator.join(s)] for n, s in enumerate(sets)
        ]
        second = open_data(str(write(photos, f"names{number}.tsv", names, "\t")))
        assert second.label_names == first.label_names == ("a", "b", "c")
        np.testing.assert_array_equal(second.targets, first.targets)
        assert second.fingerprint == first.fingerprint


def test_unknown_labels_stay_unknown(photos: Path):
    rows = [["image", "a"], ["p0.png", "1"], ["p1.png", "0"], ["p2.png", ""], ["p3.png", "-1"]]
    data = open_data(str(write(photos, "unknown.csv", rows)))
    np.testing.assert_array_equal(data.targets[:, 0], [1, 0, np.nan, np.nan])


def test_the_fingerprint_follows_images_and_labels(photos: Path):
    rows = [["image", "a"], *([f"p{n}.png", str(n % 2)] for n in range(6))]
    first = open_data(str(write(photos, "f.csv", rows))).fingerprint
    rows[1][1], rows[2][1] = rows[2][1], rows[1][1]
    assert open_data(str(write(photos, "f.csv", rows))).fingerprint != first


def test_elpv_is_as_published():
    data = open_data("elpv")
    assert len(data.paths) == 2624
    assert data.targets.sum(axis=0).tolist() == [1550, 1116, 821, 715]
    assert data.views == views.DIHEDRAL
    assert data.grey


def test_unknown_format_lists_the_known(tmp_path: Path):
    (tmp_path / "thing.xyz").write_text("?")
    with pytest.raises(UserError, match="csv, elpv"):
        open_data(str(tmp_path / "thing.xyz"))


def test_sixteen_bit_images_are_scaled_not_clipped(tmp_path: Path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    image = open_image(tmp_path / "deep.png")
    assert np.abs(np.asarray(image)[0] - np.arange(256)).max() <= 1


def test_center_crop_keeps_the_aspect_ratio():
    image = Image.fromarray(np.tile(np.arange(0, 200, dtype=np.uint8), (100, 1)))
    spec = ImageSpec(height=100, width=100, crop="center")
    found = to_pixels(image, spec)[50, :, 0]
    assert found[0] == pytest.approx(50, abs=2)
    assert found[-1] == pytest.approx(149, abs=2)


def test_normalise_by_hand():
    spec = ImageSpec(height=1, width=1, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1.0))
    found = pixels.normalise(np.array([[[[0, 255, 51]]]], np.uint8), spec)
    np.testing.assert_allclose(found[0, :, 0, 0], [-2.0, 1.0, -0.3], atol=1e-6)


def test_decoding_is_cached_and_equal_to_the_reader(photos: Path):
    rows = [["image", "a"], *([f"p{n}.png", str(n % 2)] for n in range(8))]
    data = open_data(str(write(photos, "d.csv", rows)))
    spec = ImageSpec(height=20, width=24)
    found = pixels.decoded(data, spec)
    assert found.shape == (8, 20, 24, 3)
    np.testing.assert_array_equal(found[3], to_pixels(open_image(data.paths[3]), spec))


@pytest.mark.parametrize("view", views.DIHEDRAL)
def test_views_keep_every_pixel(view: str):
    image = np.arange(16).reshape(1, 4, 4, 1)
    assert sorted(views.apply(view, image).ravel()) == list(range(16))


def test_the_eight_views_differ():
    image = np.arange(16).reshape(1, 4, 4, 1)
    assert len({views.apply(view, image).tobytes() for view in views.DIHEDRAL}) == 8


def test_quarter_turns_need_a_square():
    usable = views.usable(views.DIHEDRAL, ImageSpec(height=10, width=20))
    assert usable == ("identity", "rot180", "flip-identity", "flip-rot180")


def test_the_split_is_stratified_seeded_and_whole():
    data = open_data("elpv")
    first, again = random_split.default_split(data), random_split.default_split(data)
    assert first == again
    assert first != random_split.default_split(data, seed=1)
    parts = [set(first.train), set(first.val), set(first.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 2624
    assert len(parts[2]) >= 1000
    for part in ("train", "val", "test"):
        share = data.targets[split.indices(data, first, part)].mean(axis=0)
        assert np.abs(share - data.targets.mean(axis=0)).max() < 0.01


def test_near_duplicates_share_a_group():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (6, 32, 32), dtype=np.uint8)
    images[4] = np.clip(images[1].astype(int) + 3, 0, 255)
    found = groups(images)
    assert found[4] == found[1]
    assert len(set(found.tolist())) == 5


def test_near_duplicates_never_straddle_the_split(tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = [["image", "a", "b"]]
    for number in range(40):
        picture = rng.integers(0, 250, (40, 40), dtype=np.uint8)
        for copy in range(2):
            name = f"{number}-{copy}.png"
            Image.fromarray(picture + copy).save(tmp_path / name)
            rows.append([name, str(number % 2), str(int(number % 3 == 0))])
    data = open_data(str(write(tmp_path, "t.csv", rows)))
    parts = random_split.default_split(data)
    where = {
        image_id: part for part in ("train", "val", "test") for image_id in getattr(parts, part)
    }
    assert len(where) == 80
    for row in range(0, 80, 2):
        assert where[data.image_ids[row]] == where[data.image_ids[row + 1]]
