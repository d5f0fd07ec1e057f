"""Names of labels in the cells of a table: lists, names with blanks, one name in two forms."""

import unicodedata
from pathlib import Path

import pytest
from written_tables import alternating, plain, read, refused, write


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (("red disc", "blue bar", "no defect"), "blue bar, no defect, red disc"),
        (("red disc", "blue disc", "no defect"), "blue disc, no defect, red disc"),
        (("disc bar", "disc", "bar"), "bar, disc"),
        (("a b", "b c", "a c", "c"), "a, b, c"),
        (("red disc|bar", "bar"), "bar, red disc"),
        (("crack, fine|bar", "bar"), "bar, crack, fine"),
        (("cat,dog", "bird"), "bird, cat, dog"),
        (("cat, dog", "dog"), "cat, dog"),
        (("cat; dog", "dog"), "cat, dog"),
        (("cat\ndog", "dog"), "cat, dog"),
        (("cat,", "dog,"), "cat, dog"),
        (("['cat', 'red dog']", "[]", "['cat']"), "cat, red dog"),
        (("['cat' 'dog']", "['cat'\n 'bird']"), "bird, cat, dog"),
        (("('cat', 'dog')", "('cat',)", "()"), "cat, dog"),
        (("{'cat', 'dog'}", "{'cat'}"), "cat, dog"),
        (('[""a, b"", ""\\u00e4""]', "[]"), "a, b, ä"),
        (("[cat, red dog]", "[cat]"), "cat, red dog"),
        (("['it\\'s']", '[""x""]'), "it's, x"),
        (('{""choices"": [""a"", ""b""]}', "a"), "a, b"),
        (("(cat)", "(none at all)"), "(cat), (none at all)"),
        (("[0, 2]", "[1]"), "0, 1, 2"),
        (("0.0", "1.0", "20.0"), "0, 1, 20"),
        (("cat/dog", "bird"), "bird, cat/dog"),
        (("['No Finding']", "['cat', 'dog']", "['cat']"), "cat, dog"),
    ],
)
def test_names_in_a_cell(tmp_path: Path, capfd, cells: tuple[str, ...], labels: str):
    table = read(write(tmp_path, alternating(*cells)))
    assert ", ".join(table.label_names) == labels
    assert f"labels: {labels}\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("crack, fine", "corrosion"), r"not clear whether ',' divides.*line 2, column labels"),
        (("crack; fine", "corrosion"), "not clear whether ';' divides"),
        (("red disc", "blue disc", "red bar", "blue bar"), "not clear whether a blank divides"),
        (("haze low", "clear low", "clear haze"), "not clear whether a blank divides"),
        (("cat;dog", "dog", "cat", "dog,cat"), r"two ways.*'dog,cat' at .*line 5"),
        (("['cat', 'dog'", "['cat']"), r"cannot be read at .*line 2"),
        (("['cat' : 1]", "['cat']"), "cannot be read"),
        (("[0, 1, 0]", "[1, 1, 0]"), "hold 0 and 1, and do not name"),
        (("[0 1 0]", "[1 1 0]"), "hold 0 and 1, and do not name"),
    ],
)
def test_names_that_are_not_clear(tmp_path: Path, cells: tuple[str, ...], words: str):
    refused(write(tmp_path, alternating(*cells)), words)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("red disc", "no bar"), "'red disc' is read as one label; if not, write |"),
        (("disc bar", "disc", "bar"), "'disc bar' is read as 2 labels; if not, write _"),
        (("Cat", "cat"), "differ only in how they are written are learnt as 2: 'Cat', 'cat'"),
        (("red disc", "red_disc"), "learnt as 2"),
        (("cat", "dog", "cat/dog"), "'cat/dog' is read as one label, although its parts"),
        (("cat", "None"), "'None' is read as the name of a label"),
        (("cat", ""), "3 rows have nothing in 'labels'"),
        (("cat", "nan"), "3 of 6 label values are unknown"),
    ],
)
def test_what_is_assumed_of_names_is_said(tmp_path: Path, capfd, cells, said: str):
    read(write(tmp_path, alternating(*cells)))
    assert said in capfd.readouterr().err


def test_labels_are_compared_as_the_same_text(tmp_path: Path):
    forms = [unicodedata.normalize(form, "Fläche") for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    cells = (*forms, "red disc|x", "red\u00a0 disc|x", "\u200bx")
    table = read(write(tmp_path, alternating(*cells)))
    assert table.label_names == ("Fläche", "red disc", "x")
    refused(write(tmp_path, plain().replace("a,b", ",".join(forms))), "two columns of one name")
