"""Doubtful images: written down once, up to a size, and a data set once they are labelled."""

import csv
import errno
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from places import ROOT
from watched import LABELS, images

from edgepress.core.errors import UserError
from edgepress.data.dataset import open_data
from edgepress.device.watch import Feedback
from edgepress.device.watch.doubtful.png import png

FRAMES = list(images(12))
DOUBTFUL, SURE = [0.45, 0.01], [0.95, 0.01]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "feedback.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def filled(folder: Path, **options: Any) -> Feedback:
    feedback = Feedback(folder, LABELS, **options)
    for frame in FRAMES:
        feedback.offer(frame, DOUBTFUL)
    return feedback


def test_a_labelled_table_is_a_data_set(tmp_path: Path) -> None:
    filled(tmp_path, keep_images=True)
    found = rows(tmp_path)
    for number, row in enumerate(found):
        row |= {"crack": str(number % 2), "dirt": "" if number == 5 else str(number // 6)}
    with (tmp_path / "feedback.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, found[0])
        writer.writeheader()
        writer.writerows(found)
    dataset = open_data(str(tmp_path))
    assert dataset.label_names == ("crack", "dirt")
    assert dataset.targets[:, 0].tolist() == [number % 2 for number in range(12)]
    assert np.isnan(dataset.targets[5, 1])
    assert np.isnan(dataset.targets).sum() == 1
    kept = {path.name: np.asarray(Image.open(path)) for path in dataset.paths}
    for frame in FRAMES:
        digest = hashlib.sha256(repr(frame.shape).encode() + frame.tobytes()).hexdigest()
        assert (kept[f"{digest}.png"] == frame).all()


def test_an_unlabelled_table_says_what_it_lacks(tmp_path: Path) -> None:
    filled(tmp_path, keep_images=True)
    with pytest.raises(UserError, match="no label column"):
        open_data(str(tmp_path))


def test_no_image_is_kept_unless_asked_for(tmp_path: Path) -> None:
    filled(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["feedback.csv"]
    (first, *_) = rows(tmp_path)
    assert json.loads(first["model_scores"]) == {"crack": 0.45, "dirt": 0.01}
    assert first["crack"] == first["dirt"] == ""


def test_sure_images_and_images_seen_before_are_not_written(tmp_path: Path) -> None:
    feedback = Feedback(tmp_path, LABELS)
    assert not feedback.offer(FRAMES[0], SURE)
    assert feedback.offer(FRAMES[0], DOUBTFUL)
    assert not feedback.offer(FRAMES[0], DOUBTFUL)
    again = Feedback(tmp_path, LABELS)
    assert not again.offer(FRAMES[0], DOUBTFUL)
    assert again.offer(FRAMES[1], [0.9, 0.39])
    assert len(rows(tmp_path)) == 2


def test_the_table_ends_at_its_size(tmp_path: Path) -> None:
    feedback = filled(tmp_path, table_bytes=700)
    assert (tmp_path / "feedback.csv").stat().st_size <= 700
    assert len(rows(tmp_path)) + feedback.left_out == 12
    assert 0 < len(rows(tmp_path)) < 12
    (tmp_path / "feedback.csv").rename(tmp_path / "fetched.csv")
    assert feedback.offer(next(images(1, seed=7)), DOUBTFUL), "moved away, it begins anew"
    assert len(rows(tmp_path)) == 1


def test_the_images_end_at_their_size(tmp_path: Path) -> None:
    limit = 3 * len(png(FRAMES[0]))
    filled(tmp_path, keep_images=True, images_bytes=limit)
    filled(tmp_path, keep_images=True, images_bytes=limit)
    kept = list((tmp_path / "images").iterdir())
    assert sum(file.stat().st_size for file in kept) <= limit
    assert len(kept) == len(rows(tmp_path)) < 12


def test_a_row_that_a_power_cut_has_cut_off_is_dropped(tmp_path: Path) -> None:
    filled(tmp_path)
    file = tmp_path / "feedback.csv"
    file.write_bytes(file.read_bytes()[:-20])
    feedback = Feedback(tmp_path, LABELS)
    assert len(rows(tmp_path)) == 11
    assert feedback.offer(FRAMES[-1], DOUBTFUL)
    assert len(rows(tmp_path)) == 12


@pytest.mark.parametrize(
    "content", [b"", b"image,cr", b"\xff\xfe\n\n", b"image,other,model_scores\n"]
)
def test_a_table_of_something_else_is_put_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "feedback.csv").write_bytes(content)
    filled(tmp_path)
    assert len(rows(tmp_path)) == 12
    assert (tmp_path / "feedback.previous.csv").read_bytes() == content


def test_names_with_commas_and_quotes_come_back(tmp_path: Path) -> None:
    names = ['a, "b"', "ü;x"]
    Feedback(tmp_path, {"names": names, "thresholds": [0.5, 0.5]}).offer(FRAMES[0], [0.5, 0])
    assert list(rows(tmp_path)[0]) == ["image", *names, "model_scores"]


def test_a_png_is_the_image(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (7, 11, 3)).astype(np.uint8)
    (tmp_path / "one.png").write_bytes(png(colours))
    opened = Image.open(tmp_path / "one.png")
    assert (opened.mode, opened.size) == ("RGB", (11, 7))
    assert (np.asarray(opened) == colours).all()


def labelled(folder: Path) -> list[list[str]]:
    """Fill a table, set labels by hand and return its rows."""
    filled(folder)
    with (folder / "feedback.csv").open(newline="", encoding="utf-8") as stream:
        found = list(csv.reader(stream))
    for number, row in enumerate(found[1:]):
        row[1:3] = [str(number % 2), ""]
    return found


SAVED = {
    "as it was": {},
    "windows": {"lineterminator": "\r\n", "encoding": "utf-8-sig"},
    "semicolons": {"delimiter": ";", "lineterminator": "\r\n", "encoding": "utf-8-sig"},
    "cp1252": {"delimiter": ";", "lineterminator": "\r\n", "encoding": "cp1252"},
    "tabs": {"delimiter": "\t", "lineterminator": "\r\n", "encoding": "utf-16"},
    "quotes": {"quoting": csv.QUOTE_ALL},
    "no last line end": {"lineterminator": "\n", "cut": 1},
}


@pytest.mark.parametrize("how", SAVED)
def test_labels_stay_when_a_spreadsheet_has_saved_the_table(tmp_path: Path, how: str) -> None:
    table = labelled(tmp_path)
    options = {"lineterminator": "\n", "encoding": "utf-8", "cut": 0, **SAVED[how]}
    encoding, cut = str(options.pop("encoding")), int(options.pop("cut"))
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows(table)
    content = text.getvalue()[: -cut or None].encode(encoding)
    (tmp_path / "feedback.csv").write_bytes(content)
    feedback = Feedback(tmp_path, LABELS)
    assert not feedback.offer(FRAMES[3], DOUBTFUL), "it is in the table"
    new = next(images(1, seed=7))
    assert feedback.offer(new, DOUBTFUL)
    found = rows(tmp_path)
    assert [row["crack"] for row in found] == ["0", "1"] * 6 + [""]
    assert [row["model_scores"] for row in found[:12]] == [row[3] for row in table[1:]]
    assert not list(tmp_path.glob("feedback.previous*"))


def test_a_table_may_be_saved_while_it_is_written(tmp_path: Path) -> None:
    table = labelled(tmp_path)
    feedback = Feedback(tmp_path, LABELS)
    with (tmp_path / "feedback.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        csv.writer(stream, delimiter=";").writerows([*table[:1], *table[6:]])
    assert feedback.offer(next(images(1, seed=7)), DOUBTFUL)
    assert [row["crack"] for row in rows(tmp_path)] == ["1", "0", "1", "0", "1", "0", "1", ""]


def test_columns_of_ones_own_stay(tmp_path: Path) -> None:
    table = [[*row[::-1], "seen by"] for row in labelled(tmp_path)]
    with (tmp_path / "feedback.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(table)
    assert Feedback(tmp_path, LABELS).offer(next(images(1, seed=7)), DOUBTFUL)
    found = rows(tmp_path)
    assert list(found[0]) == table[0]
    assert found[1]["crack"] == "1"
    assert found[-1]["image"].endswith(".png")
    assert json.loads(found[-1]["model_scores"])["crack"] == 0.45


def test_no_table_that_was_put_aside_is_lost(tmp_path: Path) -> None:
    contents = [f"image,other {number},model_scores\n".encode() for number in range(3)]
    for content in contents:
        (tmp_path / "feedback.csv").write_bytes(content)
        assert "put aside as feedback.previous" in Feedback(tmp_path, LABELS).remarks[0]
    names = ("feedback.previous.csv", "feedback.previous-2.csv", "feedback.previous-3.csv")
    assert [(tmp_path / name).read_bytes() for name in names] == contents


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from edgepress.device.watch import Feedback
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
feedback = Feedback(Path(sys.argv[1]), {"names": ["crack", "dirt"], "thresholds": [0.5, 0.5]})
for number in range(8):
    try:
        print(feedback.offer(np.full((4, 4, 3), number, np.uint8), [0.45, 0.01]))
    except OSError as error:
        print(error.errno)
"""


@pytest.mark.parametrize("room", [3, 40, 300, 301, 500])
def test_a_full_disk_tears_no_row(tmp_path: Path, room: int) -> None:
    start = [sys.executable, "-c", FULL, str(tmp_path), str(room)]
    done = subprocess.run(start, cwd=ROOT, capture_output=True, text=True)
    told = done.stdout.split()
    assert told.count("True") + told.count(str(errno.EFBIG)) == 8, done.stderr
    assert told.count(str(errno.EFBIG)) > 0
    whole = (tmp_path / "feedback.csv").read_bytes() if told.count("True") else b"\n"
    assert whole.endswith(b"\n")
    assert not (tmp_path / "feedback.csv").exists() or len(rows(tmp_path)) == told.count("True")
    feedback = Feedback(tmp_path, {**LABELS, "thresholds": [0.5, 0.5]})
    assert feedback.offer(FRAMES[0], DOUBTFUL), "there is room again"
    found = rows(tmp_path)
    assert len(found) == told.count("True") + 1
    assert all(json.loads(row["model_scores"])["crack"] == 0.45 for row in found)
    assert [file.name for file in tmp_path.iterdir()] == ["feedback.csv"]


def test_a_large_picture_is_a_png_too(tmp_path: Path) -> None:
    for shape in ((900, 1300, 3), (1, 700_000, 3), (40_000, 30, 3)):
        colours = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        (tmp_path / "one.png").write_bytes(png(colours))
        assert (np.asarray(Image.open(tmp_path / "one.png")) == colours).all()
