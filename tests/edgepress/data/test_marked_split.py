"""Ready-made splits in columns that mark one part, as `is_valid`, or number them."""

import pytest
from made_data import made, rows_of

from edgepress.core.errors import UserError
from edgepress.data.ready_split import ready_split

FOUR = [[0, 0], [0, 1], [1, 0], [1, 1]]
PARTS = ("train", "val", "test")


def split(columns: dict[str, str], name: str) -> tuple[list[int], ...]:
    """Return the rows of each part; a column is a text with a letter for each row."""
    words = {"T": "True", "F": "False", "y": "yes", "n": "no"}
    texts = {key: [words.get(each, each.strip()) for each in text] for key, text in columns.items()}
    found = ready_split(made(FOUR * 2, texts), name, val_share=0)
    return tuple(rows_of(getattr(found, part)) for part in PARTS)


@pytest.mark.parametrize(
    ("name", "column", "test"),
    [
        ("is_valid", "FFTFFFFT", [2, 7]),
        ("is_valid", "00100001", [2, 7]),
        ("Valid", "nnynnnny", [2, 7]),
        ("is_test", "FFTFFFFT", [2, 7]),
        ("is_train", "TTFTTTTF", [2, 7]),
        ("is-training", "11011110", [2, 7]),
    ],
)
def test_a_mark_of_one_part(capfd, name: str, column: str, test: list[int]):
    train = [row for row in range(8) if row not in test]
    assert split({name: column}, name) == (train, [], test)
    said = f"{name!r} tells two parts: what it marks is the test part" in capfd.readouterr().err
    assert said == (name in ("is_valid", "Valid"))


@pytest.mark.parametrize("name", ["is_valid", "is_test"])
def test_marks_are_read_together(capfd, name: str):
    columns = {"is_valid": "FFTFFFFF", "is_test": "FFFFFFFT", "site": "FFFFFFFF"}
    assert split(columns, name) == ([0, 1, 3, 4, 5, 6], [2], [7])
    assert "two parts" not in capfd.readouterr().err


def test_what_is_not_marked_is_the_part_without_marks():
    columns = {"is_train": "TTTTTFFF", "is_valid": "FFFFFTTF"}
    assert split(columns, "is_train") == ([0, 1, 2, 3, 4], [5, 6], [7])
    columns = {"is_train": "TTTTTFFF", "is_test": "FFFFFFTT"}
    assert split(columns, "is_test") == ([0, 1, 2, 3, 4], [5], [6, 7])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"is_valid": "FFTF" * 2, "is_test": "FFTT" * 2}, "into 2. Got: .*2.png: val, test"),
        (
            {"is_valid": "FFTF" * 2, "is_test": "FFFT" * 2, "is_train": "TFFF" * 2},
            "into 0. Got: .*1.png: none of them",
        ),
        ({"is_valid": "FFT F" + "FFF"}, "no part of a split"),
        ({"reviewed": "FFTF" * 2}, "no part of a split.*is_valid, is_test or is_train also True"),
        ({"is_valid": "FFFF" * 2}, "no test image"),
    ],
)
def test_marks_that_are_refused(columns: dict[str, str], words: str):
    with pytest.raises(UserError, match=words):
        split(columns, next(iter(columns)))


def test_celeba_numbers_its_parts(capfd):
    assert split({"partition": "00010212"}, "partition") == ([0, 1, 2, 4], [3, 6], [5, 7])
    assert "0, 1 and 2 in 'partition' are train, val and test" in capfd.readouterr().err
    for column, texts in (("fold", "00010212"), ("partition", "00010213"), ("partition", "0001")):
        with pytest.raises(UserError, match="no part of a split"):
            split({column: (texts * 2)[:8]}, column)


@pytest.mark.parametrize(("alike", "said"), [([(0, 7)], True), ([(0, 1), (6, 7)], False)])
def test_pictures_in_two_parts_are_warned_of_and_others_not(capfd, alike, said: bool):
    data = made(FOUR * 2, {"split": ["train"] * 4 + ["val"] * 2 + ["test"] * 2}, alike=alike)
    ready_split(data, "split")
    assert ("have near-duplicates in another part" in capfd.readouterr().err) == said
