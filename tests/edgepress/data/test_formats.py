"""Every format reads its own tree, and nobody else's."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from trees import TREES

from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.data.brought import brought
from edgepress.data.dataset import FORMATS, open_data
from edgepress.data.ready_split import ready_split
from edgepress.data.table import Table

NAN = np.nan


@pytest.fixture
def read(make_tree):
    """Make a tree and read it."""

    def make_and_read(name: str) -> Table:
        expected, path = make_tree(name)
        return registry.find(FORMATS, expected, "format").read(path)

    return make_and_read


def column(table: Table, label: str) -> list[float]:
    return table.targets[:, table.label_names.index(label)].tolist()


def assert_targets(table: Table, label: str, wanted: list[float]) -> None:
    np.testing.assert_array_equal(column(table, label), wanted)


def test_a_tree_is_recognised_by_its_format_only(tree_name: str, make_tree):
    expected, path = make_tree(tree_name)
    names = registry.names(FORMATS)
    claims = [n for n in names if registry.find(FORMATS, n, "format").recognises(path)]
    assert claims == [expected]


def test_a_tree_is_opened_and_counted(tree_name: str, make_tree, capfd):
    expected, path = make_tree(tree_name)
    data = open_data(str(path))
    assert data.format == expected
    assert all(file.is_file() for file in data.paths)
    assert len(data.paths) == len(data.targets) >= 6
    said = f"read {len(data.paths)} images, {len(data.label_names)} labels; skipped "
    assert said in capfd.readouterr().err


def test_every_format_has_a_tree():
    names = set(registry.names(FORMATS)) - {"voc2007"}  # which is downloaded: test_voc2007.py
    assert {name for name, _ in TREES.values()} == names


def test_coco(read):
    table = read("coco")
    assert table.label_names == ("dog", "person")  # no image has a bus
    assert_targets(table, "dog", [0, 1, 0, 1, 0, 1, 0, 1, 0])
    assert_targets(table, "person", [0, 0, 1, 0, 0, 1, 0, 0, 1])  # image 3 is a crowd
    assert table.columns["split"] == ("train2017",) * 6 + ("val2017",) * 3


def double_category(content: dict) -> None:
    content["categories"].append({"id": 18, "name": "cat"})


def unknown_image(content: dict) -> None:
    content["annotations"][0]["image_id"] = 99


def unknown_category(content: dict) -> None:
    content["annotations"][0]["category_id"] = 77


def double_image(content: dict) -> None:
    content["images"].append(content["images"][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (double_category, "id 18 occurs twice in 'categories'"),
        (unknown_image, r"unknown image_id .*annotations.0.\. Got: 99"),
        (unknown_category, r"unknown category_id .*annotations.0.\. Got: 77"),
        (double_image, "id 1 occurs twice in 'images'"),
        (lambda content: content.pop("annotations"), "no list of objects 'annotations'"),
    ],
)
def test_coco_with_wrong_ids(make_tree, change, words: str):
    _, path = make_tree("coco")
    file = path / "annotations" / "instances_train2017.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=words):
        open_data(str(path))


def test_one_coco_file(make_tree):
    _, path = make_tree("coco")
    data = open_data(str(path / "annotations" / "instances_val2017.json"))
    assert [image.parent.name for image in data.paths] == ["val2017"] * 3
    assert data.table.columns == {}


def test_voc(read):
    table = read("voc")
    assert_targets(table, "dog", [0, 1, 0, 1, 0, 1, 0, 1])
    assert_targets(table, "cat", [0, 0, NAN, 0, 0, 1, 0, 0])  # difficult only: unknown
    assert table.columns["split"] == ("train",) * 4 + ("val",) * 2 + ("test",) * 2


BOMB = (
    '<?xml version="1.0" encoding="{0}"?><!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;">]>'
    "<annotation><object><name>&c;</name></object></annotation>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_voc_refuses_a_document_type(make_tree, encoding: str):
    _, path = make_tree("voc")
    file = path / "VOCdevkit" / "VOC2007" / "Annotations" / "000001.xml"
    file.write_bytes(BOMB.format(encoding).encode(encoding))
    with pytest.raises(UserError, match=r"document type.*000001\.xml"):
        open_data(str(path))


def test_chestxray14(read):
    table = read("chestxray14")
    assert table.label_names == ("Cardiomegaly", "Emphysema", "Pleural_Thickening")
    assert table.targets[:4].tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert table.columns["Patient ID"][:4] == ("0", "0", "1", "1")
    assert table.columns["Follow-up #"][:3] == ("0", "1", "2")


@pytest.mark.parametrize("name", ["celeba", "celeba-csv"])
def test_celeba_has_minus_one_for_no(read, name: str):
    table = read(name)
    assert table.label_names == ("5_o_Clock_Shadow", "Bald", "Male")
    assert_targets(table, "Bald", [1, 1, 0, 1, 1, 0, 1, 1, 0, 1])


def test_celeba_with_a_line_missing(make_tree):
    _, path = make_tree("celeba")
    file = path / "list_attr_celeba.txt"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]))
    with pytest.raises(UserError, match=r"as many images.*9 lines.*Allowed: 10"):
        open_data(str(path))


def test_isic(read):
    table = read("isic")
    assert table.label_names == ("MEL", "NV", "BCC")
    np.testing.assert_array_equal(table.targets, np.tile(np.eye(3), (3, 1)))


def test_chexpert_keeps_uncertain_and_not_mentioned_as_unknown(read):
    table = read("chexpert")
    assert table.label_names == ("Edema", "Fracture")
    assert_targets(table, "Edema", [1, 0, NAN, NAN] * 3)
    assert_targets(table, "Fracture", [NAN, 1, 0] * 4)
    assert set(table.columns) == {"Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding"}


def write(folder: Path, *lines: str) -> str:
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "t.csv")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["image,a,a", "x,1,0"], "two columns of one name"),
        (["image,a,b", "x,1,0", "y,1"], "Line 3 .*fewer fields"),
        (["image,a,b", "x,1,0", "y,1,0,1"], "Line 3 .*more fields"),
        (["image,a", *["x,1", "y,0"] * 2, "x,0"], "two rows with other labels.*line 6"),
        (["image,dx", "x,mel", "y,nv"], "no label column.*Got: dx.*'labels'"),
        (["image,a", *(f"{n},{n % 2}" for n in range(20)), "z,7"], "line 22, column a.*remove"),
        (
            ["image,a", *(f"{n},{1 - 2 * (n % 2)}" for n in range(999)), "z,0"],
            "not clear whether -1",
        ),
        (["image,a", ",1"], "no name of an image.*line 2"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, lines: list[str], words: str):
    with pytest.raises(UserError, match=words):
        open_data(write(tmp_path, *lines))


def test_other_separators_and_repeated_rows(tmp_path: Path, capfd):
    csv = registry.find(FORMATS, "csv", "format")
    lines = ["", "x;1;0;train", "y;0;1;test", "x;1;0;train"]
    table = csv.read(Path(write(tmp_path, "image;a;b;split", *lines)))
    assert table.targets.tolist() == [[1, 0], [0, 1]]
    assert table.columns["split"] == ("train", "test")
    assert "skipped 2 (1 blank lines; 1 rows that repeat another)" in capfd.readouterr().err


def test_parquet(read):
    table = read("parquet")
    assert table.label_names == ("melanoma", "nevus")
    assert_targets(table, "melanoma", [1, 0, 0] * 3)
    assert_targets(table, "nevus", [0, 1, 0, 1, NAN, 1, 0, 1, 0])
    assert table.columns["patient_id"][:3] == ("IP_0", "IP_0", "IP_1")
    assert table.columns["reviewed"][:2] == ("true", "false")  # beside 0 and 1 it is no label


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="pip install pyarrow"):
        open_data(str(tmp_path / "t.parquet"))


def test_folder(read):
    table = read("folder")
    found = {
        f"{p.parent.name}/{p.name}": row
        for p, row in zip(table.paths, table.targets.tolist(), strict=True)
    }
    assert table.label_names == ("bird", "cat", "dog")
    assert len(found) == 10
    assert found["cat/0.png"] == [0, 1, 1]
    assert found["bird/1.png"] == [1, 0, 0]
    assert found["dog/1.png"] == [0, 0, 1]


def test_folder_with_parts(read):
    table = read("split-folder")
    assert [p.parts[-3] for p in table.paths] == list(table.columns["split"])
    assert sorted(table.columns["split"]) == ["train"] * 6 + ["val"] * 2


def test_an_image_in_two_parts(make_tree):
    _, path = make_tree("split-folder")
    (path / "val" / "dog" / "1.png").write_bytes((path / "train" / "dog" / "1.png").read_bytes())
    with pytest.raises(UserError, match="two parts, train and val"):
        open_data(str(path))


def test_openimages(read, capfd):
    table = read("openimages")
    assert table.label_names == ("Dog", "Cat")
    assert_targets(table, "Dog", [0, 1, 0, 1, 0, 1, 0])
    assert_targets(table, "Cat", [NAN, 1, 0, NAN, 1, 0, 1])  # image 6 by its box
    assert table.columns["split"] == ("train",) * 7
    assert "2 lines of images that are not on this disk" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["yolo", "yolo-classes"])
def test_yolo(read, name: str):
    table = read(name)
    assert table.label_names == ("dog", "cat")
    if name == "yolo":
        assert_targets(table, "dog", [0, 1, 0, 1, 0, 1, 0, 1, 0])
        assert_targets(table, "cat", [0, 1, 0, 0, 1, 0, 0, 1, 0])
        assert table.columns["split"] == ("train",) * 6 + ("val",) * 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3 0.5 0.5 0.1 0.1", r"no name at .*0\.txt, line 2. Got: 3. Allowed: 0 to 2"),
        ("-1 0.5 0.5 0.1 0.1", "no name"),
        ("0 0.5 0.5 0.1", "no object at"),
        ("0 0.5 0.5 nan 0.1", "no object at"),
        ("0 50 50 10 10", "from 0 to 1"),
    ],
)
def test_yolo_lines_that_are_refused(make_tree, line: str, words: str):
    _, path = make_tree("yolo")
    (path / "labels" / "train" / "0.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(UserError, match=words):
        open_data(str(path))


def test_a_table_keeps_its_columns_when_rows_are_taken(read):
    table = read("chestxray14").take(np.array([3, 0]))
    assert table.columns["Patient ID"] == ("1", "0")
    assert len(table.paths) == 2


@pytest.mark.parametrize(
    "name", ["coco", "voc", "yolo", "split-folder", "openimages", "webdataset"]
)
def test_the_split_that_a_format_has_is_one_that_a_training_takes(make_tree, name: str):
    data = open_data(str(make_tree(name)[1]))
    parts = Counter(data.table.columns["split"])
    if len(parts) == 1:
        with pytest.raises(UserError, match=r"no test image.*train"):
            ready_split(data, "split")
        return
    found = ready_split(data, "split", val_share=0)
    sizes = [len(found.train), len(found.val), len(found.test)]
    if "test" in parts:
        assert sizes == [4, 2, 2]
    else:  # the part that is not trained on is tested
        trained = sum(n for part, n in parts.items() if part.startswith("train"))
        assert sizes == [trained, 0, len(data.paths) - trained]
    assert brought(data.table).column == "split"


def test_a_folder_below_a_label_may_be_named_anything_but_no_text(tmp_path: Path):
    for name in ("cat/a b/é/1.png", "dog/2.png"):
        place = tmp_path / "good" / name
        place.parent.mkdir(parents=True)
        place.write_bytes(b"never opened")
    folder = registry.find(FORMATS, "folder", "format")
    assert len(folder.read(tmp_path / "good").paths) == 2
    odd = tmp_path / "good" / "cat" / "\udc80"
    odd.mkdir()
    (odd / "3.png").write_bytes(b"never opened")
    with pytest.raises(UserError, match="no name of an image file at a file in the folder 'cat'"):
        folder.read(tmp_path / "good")
