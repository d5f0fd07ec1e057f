"""One image under many spellings: found, counted once, and never taken for another."""

import unicodedata
from pathlib import Path

import pytest

from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.data.dataset import FORMATS
from edgepress.data.table import Table

FILES = tuple(f"images/{n:03}.png" for n in range(4))


def read(folder: Path, names: tuple[str, ...], files: tuple[str, ...] = FILES) -> Table:
    """Read a table of these names; the third label says which row is which."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    rows = [f"{name},{n % 2},{int(n == 0)}" for n, name in enumerate(names)]
    (folder / "labels.csv").write_text("image,a,b\n" + "\n".join(rows) + "\n")
    return registry.find(FORMATS, "csv", "format").read(folder / "labels.csv")


def refused(folder: Path, names: tuple[str, ...], words: str, files=FILES) -> None:
    with pytest.raises(UserError, match=words):
        read(folder, names, files)


@pytest.mark.parametrize(
    "form",
    [
        "{:03}.png", "{:03}", "images/{:03}.png", "./images/{:03}", "images/../images/{:03}.png",
        "images\\{:03}.png", "{:03}.PNG", "IMAGES/{:03}.png", " {:03}.png ", "{}", "{}.0",
        "/home/me/images/{:03}.png", "C:\\data\\images\\{:03}.png", "\\\\nas\\x\\{:03}.png",
        "data/images/{:03}.png", "https://host.org/a/{:03}.png?size=3#x", "s3://bucket/{:03}.png",
        "../../old/{:03}.png",
    ],
)  # fmt: skip
def test_spellings(tmp_path: Path, capfd, form: str):
    table = read(tmp_path, tuple(form.format(n) for n in range(4)))
    assert [path.resolve().name for path in table.paths] == [f"{n:03}.png" for n in range(4)]
    assert all(path.is_file() for path in table.paths)
    said = capfd.readouterr().err
    ends = form.startswith(("/", "C:", "\\\\", "data/", "http", "s3", "../"))
    assert ("found by the end of a path that is not on this disk" in said) == ends
    assert ("lost its leading zeros: 0" in said) == (form == "{}")
    assert ("the column of names was read as numbers" in said) == (form == "{}.0")


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_are_the_same(tmp_path: Path, forms: tuple[str, str]):
    there, written = (unicodedata.normalize(form, "Gerät") for form in forms)
    files = tuple(f"{there}/{there} {n}.png" for n in range(4))
    table = read(tmp_path, tuple(f"{written}/{written} {n}.png" for n in range(4)), files)
    assert all(path.is_file() for path in table.paths)


def test_one_file_under_several_spellings_is_one_image(tmp_path: Path, capfd):
    names = ("000.png", "001.png", "images/000", "images/001.png", "./images/000.png")
    (tmp_path / "labels.csv").write_text("")
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    content = "\n".join(f"{name},{'01'['1' in name]},1" for name in names)
    (tmp_path / "labels.csv").write_text(f"image,a,b\n{content}\n")
    table = registry.find(FORMATS, "csv", "format").read(tmp_path)
    assert [path.name for path in table.paths] == ["000.png", "001.png"]
    assert "3 rows that repeat another" in capfd.readouterr().err


def test_rows_that_disagree_are_refused_with_both_lines(tmp_path: Path):
    names = ("000.png", "001.png", "002.png", "images/000")
    refused(tmp_path, names, r"000\.png at .*, line 2 and images/000 at .*, line 5")


@pytest.mark.parametrize(
    ("column", "is_refused"),
    [("Patient ID", True), ("split", True), ("fold", True), ("annotator", False)],
)
def test_rows_of_one_image_in_two_groups(tmp_path: Path, capfd, column: str, is_refused: bool):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0.png").touch()
    lines = [f"image,a,{column}", "0.png,1,p1", "x.png,0,p1", "0.png,1,p2"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    csv = registry.find(FORMATS, "csv", "format")
    if is_refused:
        with pytest.raises(UserError, match=f"differ in '{column}'.*line 2 and .*line 4"):
            csv.read(tmp_path)
    else:
        assert csv.read(tmp_path).columns[column] == ("p1", "p1")
        assert f"rows of one image differ in {column}" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("003", ("images/003.jpg",), r"fits several files.*003\.\w+ and .*003\.\w+"),
        ("3", ("images/0003.png",), "fits several files"),
        ("9.png", ("a/9.png", "b/9.png"), r"fits several files.*a/9\.png and .*b/9\.png"),
        ("x.png", ("images/X.png", "images/x.PNG"), "fits several files"),
        ("https://host.org/9.png", (), "named by an address"),
    ],
)
def test_names_that_are_not_clear(tmp_path: Path, name: str, more: tuple[str, ...], words: str):
    refused(tmp_path, ("000.png", name), words, (*FILES, *more))


def test_paths_that_end_alike_are_not_one_file(tmp_path: Path):
    names = ("/old/cam1/000.png", "001.png", "/old/cam2/000.png")
    refused(tmp_path, names, r"cam1/000\.png at .*line 2.* and /old/cam2/000\.png at .*line 4")


@pytest.mark.parametrize("name", ["b/001.png", "/old/b/001.png", "C:\\b\\001.png"])
def test_a_file_that_its_folder_lacks_is_not_taken_from_another(tmp_path: Path, name: str):
    table = read(tmp_path, ("b/000.png", name), (*FILES, "b/000.png"))
    assert table.paths[0] == tmp_path / "b" / "000.png"
    assert not table.paths[1].is_file()


@pytest.mark.parametrize(
    ("header", "rows", "column"),
    [
        ("Bild,a", "{}.png,{}", "Bild"),
        ("id,a", "{},{}", "id"),
        ("image,path,a", "7{0},{0}.png,{1}", "path"),
        ("image_id,file_name,a", "{0},{0}.png,{1}", "file_name"),
    ],
)
def test_the_column_of_images(tmp_path: Path, capfd, header: str, rows: str, column: str):
    (tmp_path / "images").mkdir()
    for n in range(10, 14):
        (tmp_path / "images" / f"{n}.png").touch()
    content = "\n".join(rows.format(n, n % 2) for n in range(10, 14))
    (tmp_path / "labels.csv").write_text(f"{header}\n{content}\n")
    table = registry.find(FORMATS, "csv", "format").read(tmp_path)
    assert [path.name for path in table.paths] == [f"{n}.png" for n in range(10, 14)]
    said = f"the images are taken from the column '{column}'" in capfd.readouterr().err
    assert said == (column in ("Bild", "id"))


def test_two_columns_that_name_files_are_refused(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("left,right,a\n0.png,1.png,1\n2.png,3.png,0\n")
    with pytest.raises(UserError, match=r"no image column.*call one of them 'image': left, right"):
        registry.find(FORMATS, "csv", "format").read(tmp_path)
