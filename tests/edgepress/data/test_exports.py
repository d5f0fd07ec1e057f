"""Exports of annotation tools, read at their root with the split that they bring."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from touched import image, text

from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.data.dataset import FORMATS, read_table
from edgepress.data.table import Table

PARTS = ("train", "valid", "test")
Make = Callable[[Path], None]


def boxes(n: int) -> str:
    return "".join(f"{k} 0.5 0.5 0.1 0.1\n" for k in (0, 1) if n >> k & 1)


def voc_file(path: Path, n: int) -> None:
    objects = "".join(f"<object><name>{'ab'[k]}</name></object>" for k in (0, 1) if n >> k & 1)
    text(path, f"<annotation>{objects}</annotation>")


def coco_file(path: Path, names: list[str]) -> None:
    entries = [{"id": n, "file_name": name} for n, name in enumerate(names)]
    found = [
        {"id": 2 * n + k, "image_id": n, "category_id": k + 1}
        for n in range(len(names))
        for k in (0, 1)
        if n >> k & 1
    ]
    categories = [{"id": k, "name": name} for k, name in enumerate(("none", "a", "b"))]
    content = {"images": entries, "annotations": found, "categories": categories}
    text(path, json.dumps(content))


def parts(root: Path, each: Callable[[Path, list[str]], None], below: str = "") -> None:
    text(root / "README.dataset.txt", "exported")
    for part in PARTS:
        names = [image(root / part / below / f"{n}.jpg").name for n in range(4)]
        each(root / part, names)


def csv_parts(root: Path) -> None:
    lines = [f"{n}.jpg, {n & 1}, {n >> 1}" for n in range(4)]
    content = "\n".join(["filename, a, b", *lines])
    parts(root, lambda folder, _: text(folder / "_classes.csv", content))


def csv_files(root: Path) -> None:
    for part in PARTS:
        rows = [
            image(root / "images" / f"{part}{n}.jpg").name + f",{n & 1},{n >> 1}" for n in range(4)
        ]
        text(root / f"{part}_labels.csv", "image,a,b\n" + "\n".join(rows))


def coco_parts(root: Path) -> None:
    parts(root, lambda folder, names: coco_file(folder / "_annotations.coco.json", names))


def coco_files(root: Path) -> None:
    for part in PARTS:
        names = [image(root / part / f"{n}.jpg").name for n in range(4)]
        coco_file(root / "annotations" / f"{part}.json", names)


def coco_result(root: Path) -> None:
    names = [f"images/{image(root / 'images' / f'{n}.jpg').name}" for n in range(4)]
    coco_file(root / "result.json", names)


def coco_default(root: Path) -> None:
    names = [image(root / "images" / "default" / f"{n}.jpg").name for n in range(4)]
    coco_file(root / "annotations" / "instances_default.json", names)


def voc_parts(root: Path) -> None:
    def each(folder: Path, names: list[str]) -> None:
        for n, name in enumerate(names):
            voc_file((folder / name).with_suffix(".xml"), n)

    parts(root, each)


def voc_flat(root: Path) -> None:
    for n in range(4):
        voc_file(image(root / f"{n}.jpg").with_suffix(".xml"), n)


def voc_sets(root: Path) -> None:
    for n in range(4):
        image(root / "JPEGImages" / f"{n} x.jpg")
        voc_file(root / "Annotations" / f"{n} x.xml", n)
    for part in ("Train", "Validation", "Test"):
        lines = ["0 x", "1 x"] if part == "Train" else ["2 x" if part == "Test" else "3 x"]
        text(root / "ImageSets" / "Main" / f"{part}.txt", "\r\n".join(lines))


def yolo_parts(root: Path, **content: str) -> None:
    def each(folder: Path, names: list[str]) -> None:
        for n, name in enumerate(names):
            text((folder / "labels" / name).with_suffix(".txt"), boxes(n))

    parts(root, each, "images")
    given = {"train": "../train/images", "val": "../valid/images", "test": "../test/images"}
    lines = [f"{key}: {value}" for key, value in (given | content).items()]
    text(root / "data.yaml", "\n".join([*lines, "nc: 2", "names: ['a', 'b']"]))


def yolo_elsewhere(root: Path) -> None:
    paths = {"path": "/content/x", "train": "/content/x/train/images", "val": "valid\\images"}
    yolo_parts(root, **paths)


def yolo_flat(root: Path) -> None:
    for n in range(4):
        text(image(root / f"{n}.jpg").with_suffix(".txt"), boxes(n))
    text(root / "classes.txt", "a\r\nb\r\n")


def yolo_darknet(root: Path) -> None:
    for part in PARTS:
        for n in range(4):
            text(image(root / f"obj_{part}_data" / f"{n}.jpg").with_suffix(".txt"), boxes(n))
        lines = "".join(f"data/obj_{part}_data/{n}.jpg\n" for n in range(4))
        text(root / f"{part}.txt", lines)
    text(root / "obj.names", "a\nb\n")
    lists = "".join(f"{part} = data/{part}.txt\n" for part in PARTS)
    text(root / "obj.data", f"classes = 2\n{lists}names = data/obj.names\nbackup = backup/\n")


EXPORTS: dict[str, tuple[str, Make, str]] = {
    "csv in parts": ("csv", csv_parts, "train valid test"),
    "csv files": ("csv", csv_files, "train valid test"),
    "coco in parts": ("coco", coco_parts, "train valid test"),
    "coco files": ("coco", coco_files, "train valid test"),
    "coco result": ("coco", coco_result, ""),
    "coco default": ("coco", coco_default, ""),
    "voc in parts": ("voc", voc_parts, "train valid test"),
    "voc beside images": ("voc", voc_flat, ""),
    "voc sets": ("voc", voc_sets, "Train Validation Test"),
    "yolo in parts": ("yolo", yolo_parts, "train val test"),
    "yolo of another machine": ("yolo", yolo_elsewhere, "train val test"),
    "yolo beside images": ("yolo", yolo_flat, ""),
    "yolo darknet": ("yolo", yolo_darknet, "train val test"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_at_their_root(tmp_path: Path, name: str):
    expected, make, splits = EXPORTS[name]
    make(tmp_path)
    formats = registry.names(FORMATS)
    claims = [n for n in formats if registry.find(FORMATS, n, "format").recognises(tmp_path)]
    assert claims == [expected]
    table = read_table(str(tmp_path))[1]
    assert table.label_names == ("a", "b")
    assert all(path.is_file() for path in table.paths)
    numbers = [int("".join(filter(str.isdecimal, path.stem))) for path in table.paths]
    np.testing.assert_array_equal(table.targets, [[n & 1, n >> 1] for n in numbers])
    assert set(table.columns.get("split", ())) == set(splits.split())
    if len(table.paths) == 12:
        folders = ["valid" if s == "val" else s for s in table.columns["split"]]
        for path, part in zip(table.paths, folders, strict=True):
            assert part in str(path.relative_to(tmp_path)).replace("obj_val_", "obj_valid_")


def read(name: str, path: Path) -> Table:
    return registry.find(FORMATS, name, "format").read(path)


def test_links_in_a_yolo_tree_end(tmp_path: Path):
    yolo_flat(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(read("yolo", tmp_path).paths) == 4


def test_parts_that_bring_no_table_are_said(tmp_path: Path, capfd):
    csv_parts(tmp_path)
    (tmp_path / "test" / "_classes.csv").unlink()
    assert len(read("csv", tmp_path).paths) == 8
    assert "folders of parts that have no table are passed over: test" in capfd.readouterr().err


def test_tables_of_parts_with_other_columns(tmp_path: Path):
    csv_files(tmp_path)
    text(tmp_path / "test_labels.csv", "image\ntest1.jpg\n")
    with pytest.raises(UserError, match=r"other columns.*only in one of them: a, b"):
        read_table(str(tmp_path))


def test_one_file_in_the_tables_of_two_parts(tmp_path: Path):
    csv_files(tmp_path)
    text(tmp_path / "test_labels.csv", "b,image,a\n0,train1.jpg,1\n")
    with pytest.raises(UserError, match=r"differ in 'split'.*test_labels.*line 2.*train_labels"):
        read_table(str(tmp_path))


def test_a_yolo_part_that_is_not_there(tmp_path: Path, capfd):
    yolo_parts(tmp_path, test="../holdout/images")
    assert len(read("yolo", tmp_path).paths) == 8
    assert "there is no test part: data.yaml says ../holdout/images" in capfd.readouterr().err
    yolo_parts(tmp_path, train="../nothing")
    with pytest.raises(UserError, match=r"no such folder of images.*train"):
        read("yolo", tmp_path)


def test_an_image_is_not_taken_from_another_part(tmp_path: Path):
    coco_parts(tmp_path)
    (tmp_path / "test" / "3.jpg").unlink()
    missing = [path for path in read("coco", tmp_path).paths if not path.is_file()]
    assert missing == [tmp_path / "test" / "3.jpg"]
    coco_files(tmp_path)
    (tmp_path / "valid" / "3.jpg").unlink()
    (tmp_path / "test" / "3.jpg").unlink(missing_ok=True)
    table = read("coco", tmp_path / "annotations" / "valid.json")
    assert not table.paths[3].is_file()


def test_a_folder_within_the_folder_is_named(tmp_path: Path):
    csv_parts(tmp_path / "export")
    with pytest.raises(UserError, match=r"give .*export, which is of the format csv"):
        read_table(str(tmp_path))


def test_a_table_of_three_columns_is_not_elpv(tmp_path: Path):
    (tmp_path / "images").mkdir()
    text(tmp_path / "labels.csv", "image\ta\tb\n0.png\t1\t0\n1.png\t0\t1\n")
    assert read_table(str(tmp_path))[0] == "csv"
    with pytest.raises(UserError, match=r"not ELPV's at .*line 1"):
        read_table(f"elpv:{tmp_path}")


def test_rows_of_boxes_are_objects_of_an_image(tmp_path: Path, capfd):
    lines = ["filename,width,height,class,xmin,ymin,xmax,ymax,patient"]
    for n, name in ((2, "b"), (0, "a"), (2, "a"), (1, "a"), (2, "b"), (3, "")):
        lines.append(f"{n}.jpg,9,9,{name},1,1,5,{n + 5},p{n}")
    text(tmp_path / "_annotations.csv", "\n".join(lines))
    for n in range(4):
        image(tmp_path / f"{n}.jpg")
    table = read("csv", tmp_path)
    assert [path.stem for path in table.paths] == ["2", "0", "1", "3"]
    np.testing.assert_array_equal(table.targets, [[1, 1], [1, 0], [1, 0], [0, 0]])
    assert table.columns["patient"] == ("p2", "p0", "p1", "p3")
    assert "xmin" not in table.columns
    assert "the rows are 6 objects in 4 images" in capfd.readouterr().err
    text(tmp_path / "_annotations.csv", "\n".join([*lines, "3.jpg,9,9,a,1,1,5,5,p9"]))
    with pytest.raises(UserError, match=r"differ in 'patient'.*line 7 and .*line 8"):
        read("csv", tmp_path)
