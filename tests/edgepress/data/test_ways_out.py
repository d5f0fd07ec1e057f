"""What is not read is refused for the right reason, with the way to something that is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from touched import image, text

from edgepress.core.errors import UserError
from edgepress.data.dataset import read_table

N = 6
SHAPE = {"label": "cat", "points": [[1, 1], [4, 4]]}


def write(root: Path, name: str, content: str | bytes) -> Path:
    """Write images `0.png`, ... and a file beside them."""
    for n in range(N):
        image(root / f"{n}.png")
    text(root / name, "")
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def table(header: str, line: Callable[[int], str]) -> str:
    return "\n".join([*filter(None, [header]), *map(line, range(N))]) + "\n"


def refused(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_table(str(path))
    return str(error.value)


LABELME = {"version": "5.0", "flags": {}, "shapes": [SHAPE], "imagePath": "0.png"}
VIA = {"_via_settings": {}, "_via_img_metadata": {"0.png1": {"filename": "0.png"}}}
CREATEML = [{"image": "0.png", "annotations": [{"label": "cat", "coordinates": {}}]}]
STUDIO = [{"id": 1, "data": {"image": "0.png"}, "annotations": []}]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("0.json", json.dumps(LABELME), "0.json is of LabelMe: convert them to COCO or Pascal"),
        ("via.json", json.dumps(VIA), "via.json is of VIA: export as COCO"),
        ("a.createml.json", json.dumps(CREATEML), "of CreateML: export as COCO"),
        ("project.json", json.dumps(STUDIO), "of Label Studio: export as COCO, which is read, or"),
        ("annotations.xml", "<annotations></annotations>", "of CVAT: export as COCO"),
        ("metadata.jsonl", '{"file_name": "0.png", "labels": ["cat"]}', "lines=True).to_csv("),
        ("other.json", "{}", "write a table labels.csv with the columns image,labels"),
        ("notes.md", "", "write a table labels.csv with the columns image,labels"),
    ],
)
def test_exports_that_are_not_read(tmp_path: Path, name: str, content: str, words: str):
    said = refused(write(tmp_path, name, content))
    assert "format of the data is not recognised" in said
    assert words in said


def test_exports_below_the_folder_and_given_by_themselves(tmp_path: Path):
    place = write(tmp_path / "images", "../annotations/0.json", json.dumps(LABELME)).parent
    assert "0.json is of LabelMe" in refused(place)
    said = refused(place / "annotations" / "0.json")
    assert "not COCO's: it has no list of objects 'images'" in said
    assert "0.json is of LabelMe" in said


def test_folders_beside_lines_of_json_are_no_labels(tmp_path: Path):
    write(tmp_path / "images", "../metadata.jsonl", '{"file_name": "images/0.png", "labels": 1}')
    write(tmp_path / "masks", "x.txt", "")
    assert "lines of JSON are not read" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (POINTER, "a pointer of git-lfs to the file. Got: .*Next: fetch it: git lfs pull"),
        (b"PK\3\4" + bytes(9), "a spreadsheet or an archive by its content.*save it as CSV UTF-8"),
        (b"\x1f\x8b\x08" + bytes(9), "packed by its content.*unpack it"),
        ("\n<!DOCTYPE HTML><html>404", "is a web page.*download the file itself"),
        ("", "no rows. Got: .*with nothing. Next: write a line for each image"),
        ("image,a,b\n", "no rows. Got: .*with the header image, a, b. Next: write a line"),
        (table("image,a,b,a", lambda n: f"{n}.png,1,0,1"), "two columns.*'a', columns 2 and 4 of"),
        (table("", lambda n: f"{n}.png,1,0"), "no header.*write that line above.*its 3 columns"),
        (table("A title\nimage,a", lambda n: f"{n}.png,1"), "above the names of.*line 2"),
        (table("Cells,\nx,\nimage,a", lambda n: f"{n}.png,1"), "above the names of.*line 3"),
        (table("image,a", lambda n: f"1.2E+11,{n % 2}"), "read as numbers and rounded.*line 2"),
    ],
)
def test_tables_that_are_not_read(tmp_path: Path, content: str | bytes, words: str):
    with pytest.raises(UserError, match=words):
        read_table(str(write(tmp_path, "t.csv", content)))


def test_names_that_were_read_as_numbers(tmp_path: Path, capfd):
    found = read_table(str(write(tmp_path, "t.csv", table("image,a", lambda n: f"{n}.0,{n % 2}"))))
    assert [path.name for path in found[1].paths] == [f"{n}.png" for n in range(N)]
    said = " ".join(capfd.readouterr().err.split())
    assert "6 images are found by a whole number, since the column of names was read as" in said
    assert "0.0 is" in said
    assert "leading zeros" not in said


VIA_HEADER = (
    "filename,file_size,file_attributes,region_count,region_id,"
    "region_shape_attributes,region_attributes"
)


def test_the_fields_of_an_annotation_tool_are_no_labels(tmp_path: Path):
    line = lambda n: f"{n}.png,{n % 2},{{}},{n % 2},0,{{}},{{}}"  # noqa: E731
    said = refused(write(tmp_path / "via", "t.csv", table(VIA_HEADER, line)))
    assert "no label column" in said
    assert "this is VIA's table, with the labels within attributes: export as COCO" in said
    header = "filename,region_count,crack,file_size,n_objects,num_boxes,iscrowd,width"
    place = write(
        tmp_path / "counts", "t.csv", table(header, lambda n: f"{n}.png" + f",{n % 2}" * 7)
    )
    found = read_table(str(place))[1]
    assert found.label_names == ("crack",)
    assert len(found.columns) == 6
