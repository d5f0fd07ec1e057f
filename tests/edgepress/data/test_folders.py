"""Folders of labels with what lies beside and below them: parts, links, hidden files."""

import unicodedata
from pathlib import Path

import numpy as np
from touched import image, text

from edgepress.core import registry
from edgepress.data.dataset import FORMATS, read_table
from edgepress.data.table import Table

PARTS = ("train", "valid", "test")


def folder_parts(root: Path) -> None:
    for part in PARTS:
        for n in range(4):
            for k in (0, 1):
                if n >> k & 1 or n == 0 == k:
                    path = root / part / "ab"[k] / f"{n}.jpg"
                    text(path, f"{part}{n}")
    image(root / "docs" / "scheme.png")
    text(root / "docs" / "notes.md", "")
    image(root / "__MACOSX" / "train" / "a" / "._0.jpg")


def read(name: str, path: Path) -> Table:
    return registry.find(FORMATS, name, "format").read(path)


def test_folders_beside_parts_are_no_labels(tmp_path: Path, capfd):
    folder_parts(tmp_path)
    name, table = read_table(str(tmp_path))
    assert name == "folder"
    assert table.label_names == ("a", "b")
    assert sorted(set(table.columns["split"])) == sorted(PARTS)
    said = capfd.readouterr().err
    assert "2 files in 'docs', which is no part of a split" in said
    assert "labels: a, b\n" in said


def test_a_part_alone_is_one_where_nothing_beside_it_holds_images(tmp_path: Path):
    for name in ("train/a/1.png", "train/b/2.png"):
        image(tmp_path / name)
    (tmp_path / "docs").mkdir()
    assert read("folder", tmp_path).label_names == ("a", "b")
    image(tmp_path / "bus" / "3.png")
    assert read("folder", tmp_path).label_names == ("bus", "train")


def test_hidden_files_are_no_images(tmp_path: Path, capfd):
    for name in ("a/1.png", "b/2.png", "a/._1.png", "a/.cache/3.png", "__MACOSX/a/4.png"):
        image(tmp_path / name)
    table = read_table(str(tmp_path))[1]
    assert [path.name for path in table.paths] == ["1.png", "2.png"]
    assert "1 hidden files" in capfd.readouterr().err


def test_links_to_folders_are_followed_once(tmp_path: Path, capfd):
    data, other = tmp_path / "data", tmp_path / "other"
    image(other / "a" / "1.png")
    image(other / "b" / "2.png")
    image(data / "b" / "3.png")
    (data / "a").symlink_to(other / "a")
    (data / "b" / "more").symlink_to(other / "b")
    (data / "b" / "loop").symlink_to(data / "b")
    (data / "b" / "all").symlink_to(data)
    (data / "all").symlink_to(tmp_path)
    table = read("folder", data)
    assert [path.name for path in table.paths] == ["1.png", "3.png", "2.png"]
    np.testing.assert_array_equal(table.targets, [[1, 0], [0, 1], [0, 1]])
    assert "2 links to a folder that is read already" in capfd.readouterr().err


def test_label_folders_of_two_forms_are_one_label(tmp_path: Path):
    for n, form in enumerate(("NFC", "NFD")):
        image(tmp_path / unicodedata.normalize(form, "Fläche") / f"{n}.png")
    image(tmp_path / "b" / "3.png")
    assert read("folder", tmp_path).label_names == ("Fläche", "b")
