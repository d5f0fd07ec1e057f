"""The table of doubtful images by hand: which columns it must have, and which row is torn."""

import pytest

from edgepress.device.watch.doubtful import table

NEEDED = ("image", "crack")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"image,crack\na.png,1\nb.png\n", [["a.png", "1"], ["b.png"]]),
        (b"image,crack\r\na.png,1\r\nb.png\r", [["a.png", "1"], ["b.png"]]),
        (b"image,crack\na.png,1\nb.png", [["a.png", "1"]]),
        (b"image,crack\na.png,1\nb.png,0", [["a.png", "1"], ["b.png", "0"]]),
        (b'image,crack\na.png,1\nb.png,"{""x"": 1"', [["a.png", "1"]]),
        (b'image,crack\na.png,1\nb.png,"{""x"": 1"\n', [["a.png", "1"], ["b.png", '{"x": 1']]),
        (b"image,crack", []),
        (b"image;crack\n\na.png;1\n;\n", [["a.png", "1"]]),
    ],
)
def test_a_last_row_without_an_end_counts_where_it_is_whole(content: bytes, rows: list) -> None:
    found = table.read(content, NEEDED)
    assert found is not None
    assert (found.columns, found.rows) == (["image", "crack"], rows)


@pytest.mark.parametrize(
    "content", [b"", b"image,other\n", b"image,crack,crack\n", b"image,x,x,crack\n"]
)
def test_a_table_lacks_a_column_or_has_one_twice(content: bytes) -> None:
    assert table.read(content, NEEDED) is None


def test_a_column_is_read_where_a_row_has_it() -> None:
    found = table.Table(["image", "crack"], [["a.png", "1"], ["b.png"], ["c.png", "0"]])
    assert found.column("crack") == {"0", "1"}
    assert found.content() == b"image,crack\na.png,1\nb.png\nc.png,0\n"
