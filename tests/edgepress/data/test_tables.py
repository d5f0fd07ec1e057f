"""Tables as people have them: each is read right, with a word on what was assumed, or refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from written_tables import A, B, plain, read, refused, write

from edgepress.core.errors import UserError
from edgepress.data.dataset import read_table

NAN = float("nan")


def answers(texts: list[str], yes: str, no: str) -> str:
    """Return a table whose label `a` is written in words, beside a label `b` of 0 and 1."""
    return "image,a,b\n" + "".join(
        f"{n:03}.png,{(texts or [no, yes])[A[n]]},{B[n]}\n" for n in range(6)
    )


DIALECTS = {
    "semicolon": plain(";").encode(),
    "tab": plain("\t").encode(),
    "bar": plain("|").encode(),
    "blanks": plain(", ").encode(),
    "quoted": re.sub(", ([ab01])", r', "\1"', plain(", ")).encode(),
    "crlf": plain(end="\r\n").encode("utf-8-sig"),
    "old mac": plain(end="\r").encode(),
    "utf-16": plain("\t", "\r\n").encode("utf-16"),
    "utf-16 without a mark": plain(";").encode("utf-16-be"),
    "utf-32": plain().encode("utf-32"),
    "told": b"sep=;\r\n" + plain(";", "\r\n").encode(),
    "told in utf-16": ("sep=\t\r\n" + plain("\t", "\r\n")).encode("utf-16"),
    "empty columns": plain(";").replace("\n", ";;\n").encode(),
    "empty fields": plain().replace("\n00", ",,\n00").replace("b,,", "b").encode(),
    "empty lines": (plain() + ",,\n \n").encode(),
    "blank lines above": ("\n\n" + plain()).encode(),
    "decimal comma": plain(";").replace(";0", ";0,0").replace(";1", ";1,0").encode(),
    "points": plain().replace(",0\n", ",0.00\n").replace(",1\n", ",1.0\n").encode(),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(tmp_path: Path, dialect: str):
    table = read(write(tmp_path, DIALECTS[dialect]))
    assert table.label_names == ("a", "b")
    np.testing.assert_array_equal(table.targets, np.stack([A, B], axis=1))
    assert [path.name for path in table.paths] == [f"{n:03}.png" for n in range(6)]
    assert table.columns == {}


def test_what_a_table_says_is_said_once(tmp_path: Path, capfd):
    """A plan and its steps read it again and again."""
    file = write(tmp_path, plain().replace(",0\n", ",no\n").replace(",1\n", ",yes\n"))
    for _ in range(3):
        read(file)
    assert capfd.readouterr().err.count("'yes' as 1, 'no' as 0") == 1


def test_a_comma_in_a_header_does_not_divide_the_columns(tmp_path: Path):
    content = plain(";").replace("a;b", "crack, fine, thin;crack, coarse, thick")
    assert read(write(tmp_path, content)).label_names == (
        "crack, fine, thin",
        "crack, coarse, thick",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (plain().replace("003.png,1,1", "003.png,1,1,1"), "Line 5 of .* more fields"),
        (plain().replace("003.png,1,1", "003.png,1"), "Line 5 of .* fewer fields"),
        (plain().replace("003.png", '"003.png'), r"line 5\. Next: look for a quotation mark"),
        (plain().replace("image,a,b", "zzz.png,0,1"), "no header: its first line"),
        (plain(name="{:03}".format).replace("image,a,b", "000,0,1"), "no header: its first"),
        (plain().replace("image,a,b", "image,a, a "), "two columns of one name"),
        (plain(" "), "no image column.*divided by , ; | or a tab"),
        (plain().replace("a", "Ä").encode().replace(b"\xc3\x84,b", b"\xff,b"), "not UTF-8"),
        (plain().replace("a,", "дефект,").encode("cp1251"), "encoding is not known"),
        ("image,Fläche,Bräune\n".encode().replace(b"\xa4une", b"une"), "damaged: line 1"),
        (
            plain().replace(",0\n", ",0.25\n").replace(",0,", ",0.1,"),
            "0.25.*instead of other",
        ),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, content: str | bytes, words: str):
    refused(write(tmp_path, content), words)


def test_what_a_western_spreadsheet_writes_is_read_and_said(tmp_path: Path, capfd):
    table = read(write(tmp_path, plain(";").replace("b\n", "Bräune\n", 1).encode("cp1252")))
    assert table.label_names == ("a", "Bräune")
    assert "read as Windows-1252: line 1 is 'image;a;Bräune'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        ("no", "yes"), ("Nein", "Ja"), ("non", "oui"), ("n", "Y"), ("0.0", "1.0"), ("", "x"),
        ("", "✓"), ("-", "X"), ("-", "+"), ("negative", "positive"), ("", "yes"),
    ],
)  # fmt: skip
def test_words_for_yes_and_no(tmp_path: Path, capfd, no: str, yes: str):
    table = read(write(tmp_path, answers([], yes, no)))
    assert table.label_names == ("a", "b")
    assert table.targets[:, 0].tolist() == A
    said = capfd.readouterr().err
    assert ("an empty cell is read as 'no'" in said) == (no == "")
    assert (f"'{yes}' as 1" in said) == (yes != "1.0")


@pytest.mark.parametrize(
    "texts",
    [
        ["same", "same"], ["yes", "yes"], ["y", "x"], ["M", "F"], ["positive", "equivocal"],
        ["0.2", "0.9"], ["1,000", "2,000"], ["00", "01"], ["True", "False"], ["WAHR", "FALSCH"],
    ],
)  # fmt: skip
def test_what_is_no_label_beside_labels_of_0_and_1(tmp_path: Path, texts: list[str]):
    table = read(write(tmp_path, answers([f'"{text}"' for text in texts], "", "")))
    assert table.label_names == ("b",)
    assert table.columns["a"][:2] == tuple(texts)


def test_true_and_false_are_labels_where_all_labels_are(tmp_path: Path, capfd):
    content = plain().replace(",0", ",False").replace(",1", ",True")
    assert read(write(tmp_path, content)).targets[:, 0].tolist() == A
    assert "no labels" not in capfd.readouterr().err
    content = "\n".join(f"{line},{bool(A[n])}" for n, line in enumerate(plain().split()[1:]))
    table = read(write(tmp_path, f"image,a,b,reviewed\n{content}\n"))
    assert table.label_names == ("a", "b")
    assert "True and False beside other labels are no labels: reviewed" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["is_valid", "Is_Test", "valid", "site_id", "Unnamed: 0", ""])
def test_columns_that_are_never_labels(tmp_path: Path, name: str):
    lines = plain().split()
    content = "\n".join([f"{lines[0]},{name}", *(f"{x},{n % 2}" for n, x in enumerate(lines[1:]))])
    assert read(write(tmp_path, content)).label_names == ("a", "b")


def test_a_train_is_a_label_and_marks_of_parts_are_not(tmp_path: Path):
    content = plain().replace("a,b", "train,b")
    assert read(write(tmp_path, content)).label_names == ("train", "b")
    content = plain().replace("a,b", "train,test").replace("\n", ",1\n").replace("test,1", "test,c")
    assert read(write(tmp_path, content)).label_names == ("c",)


def test_a_text_file_is_a_table_where_it_says_so(tmp_path: Path):
    file = write(tmp_path, plain("\t")).rename(tmp_path / "labels.txt")
    assert read_table(str(file))[1].label_names == ("a", "b")


def test_empty_cells_are_no_where_nothing_says_no_and_unknown_elsewhere(tmp_path: Path, capfd):
    table = read(write(tmp_path, plain().replace(",0", ",")))
    np.testing.assert_array_equal(table.targets, np.stack([A, B], axis=1))
    assert (
        "an empty cell is read as 'no', since nothing else says no: a, b" in capfd.readouterr().err
    )
    table = read(write(tmp_path, plain().replace(",0\n", ",\n")))
    np.testing.assert_array_equal(table.targets[:, 1], [1, NAN, NAN, 1, NAN, NAN])
    assert "4 of 12 label values are unknown" in capfd.readouterr().err


@pytest.mark.parametrize("word", ["", "NaN", "NA", "#N/A", "None", "null", "?", "-1", "-1.0"])
def test_words_for_what_is_not_known(tmp_path: Path, word: str):
    table = read(write(tmp_path, plain().replace("001.png,1", f"001.png,{word}")))
    np.testing.assert_array_equal(table.targets[:, 0], [0, NAN, 0, 1, 0, 1])


def test_columns_of_0_and_1_beside_names_are_said_to_be_no_labels(tmp_path: Path, capfd):
    lines = plain().split()
    content = "\n".join([f"{lines[0]},label", *(f"{x},n{n % 2}" for n, x in enumerate(lines[1:]))])
    assert read(write(tmp_path, content)).label_names == ("n0", "n1")
    assert "these columns of 0 and 1 are no labels: a, b" in capfd.readouterr().err


def test_a_table_of_another_name_is_told_by_its_message(tmp_path: Path):
    write(tmp_path, plain()).rename(tmp_path / "one.csv")
    write(tmp_path, plain())
    with pytest.raises(UserError, match=r"table that is meant: .*labels\.csv, .*one\.csv"):
        read_table(str(tmp_path))
    (tmp_path / "one.csv").unlink()
    (tmp_path / "labels.csv").rename(tmp_path / "labels.xlsx")
    with pytest.raises(UserError, match=r"save labels\.xlsx as CSV"):
        read_table(str(tmp_path))
    (tmp_path / "labels.zip").touch()
    with pytest.raises(UserError, match="unpack it"):
        read_table(str(tmp_path / "labels.zip"))


@pytest.mark.parametrize("numbers", [["1", "2"], ["0.2", "0.9"], ["0,5", "1"], ["3", "17"]])
def test_other_numbers_than_0_and_1_are_said_to_be_no_labels(tmp_path: Path, capfd, numbers):
    read(write(tmp_path, answers([f'"{number}"' for number in numbers], "", "")))
    assert "other numbers than 0 and 1 are no labels: a (write 0 and 1" in capfd.readouterr().err
