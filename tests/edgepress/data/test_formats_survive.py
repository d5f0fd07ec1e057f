"""Damaged annotation files: a clear error or a sound table, and nothing else.

200 mutations of each tree; `EDGEPRESS_FUZZ=2000` runs as many as you like.
"""

import os
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgepress.core import console, registry
from edgepress.core.errors import UserError
from edgepress.data.dataset import FORMATS
from edgepress.data.table import Table

MUTATIONS = int(os.environ.get("EDGEPRESS_FUZZ", "200"))
ANNOTATIONS = (".json", ".xml", ".csv", ".txt", ".yaml", ".parquet", ".arrow", ".tar")
SELF_CHECKING = ("huggingface", "webdataset")
"""Formats whose files say how many rows they have or where they end: none may be lost silently."""
TOKEN = re.compile(rb"[\w.\-/]+|[^\w\s]")
SPECIAL = (
    *(b"\x00", b"\xff\xfe", b"\r", b'"', b"\n", b"-1", b"1e999", b"NaN", b"9" * 30, b"../"),
    *(b"\xed\xa0\x80", b"\\ud800", b"[" * 3000, b"a" * 5000, b"&b;", b"*a", b"<!DOCTYPE x>"),
)


def flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 1, 5, 50))]


def double(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    data[start:start] = data[start : start + rng.choice((1, 5, 50))]


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def insert(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    data[start:start] = rng.choice(SPECIAL)


def swap(data: bytearray, rng: random.Random) -> None:
    tokens = list(TOKEN.finditer(bytes(data)))
    if len(tokens) > 1:
        first, second = sorted(rng.sample(tokens, 2), key=lambda token: token.start())
        data[second.start() : second.end()] = first.group()
        data[first.start() : first.end()] = second.group()


def lines(data: bytearray, rng: random.Random) -> None:
    split = bytes(data).splitlines(keepends=True)
    chosen = rng.randrange(len(split))
    split[chosen] = rng.choice((b"", split[chosen] * 2, rng.choice(split)))
    data[:] = b"".join(split)


MUTATORS = (flip, flip, cut, double, truncate, insert, swap, lines)


def mutated(original: bytes, rng: random.Random) -> bytes:
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if data:
            rng.choice(MUTATORS)(data, rng)
    return bytes(data)


def assert_sound(table: Table) -> None:
    """Assert what every stage takes for granted of a table."""
    n, labels = len(table.paths), len(table.label_names)
    assert n > 0
    assert labels > 0
    assert table.targets.shape == (n, labels)
    assert table.targets.dtype == np.float32
    assert np.isin(table.targets[~np.isnan(table.targets)], (0, 1)).all()
    assert len(set(table.label_names)) == labels
    assert all(type(name) is str and name.strip() and name.encode() for name in table.label_names)
    assert all(path.is_file() in (True, False) and str(path).encode() for path in table.paths)
    assert all(len(texts) == n for texts in table.columns.values())


def outcome(module, path: Path, rows: int) -> str:
    """Read; return `read`, `fewer` rows or `refused`."""
    try:
        module.recognises(path)
        table = module.read(path)
    except UserError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert len(message.encode()) < 5000
        return "refused"
    assert_sound(table)
    return "read" if len(table.paths) >= rows else "fewer"


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """Return what is said, which would take most of the time to print."""
    heard: list[str] = []
    monkeypatch.setattr(console, "say", heard.append)
    monkeypatch.setattr(console, "warn", heard.append)
    return heard


def test_damaged_annotations(tree_name: str, make_tree, said: list[str]):
    expected, path = make_tree(tree_name)
    module = registry.find(FORMATS, expected, "format")
    rows = len(module.read(path).paths)
    root = path.parent if path.is_file() else path
    files = sorted(file for file in root.rglob("*") if file.suffix in ANNOTATIONS)
    rng, counts = random.Random(tree_name), {"read": 0, "fewer": 0, "refused": 0}
    for _ in range(MUTATIONS if files else 0):
        file = rng.choice(files)
        original = file.read_bytes()
        file.write_bytes(mutated(original, rng))
        said.clear()
        console.say_once.cache_clear()
        result = outcome(module, path, rows)
        counts[result] += 1
        assert result == "refused" or any(re.match("read .* images, .* skipped", s) for s in said)
        if result == "fewer" and expected in SELF_CHECKING:
            assert any(re.search("skipped [1-9]", s) for s in said)
        file.write_bytes(original)
    print(tree_name, counts)
    assert not files or counts["refused"] > 0
    assert len(module.read(path).paths) == rows


def disturb(root: Path, rng: random.Random) -> None:
    """Rename, copy, empty, remove or link something in a folder."""
    places = sorted(root.rglob("*"))
    files = [place for place in places if place.is_file()]
    folders = [root, *(place for place in places if place.is_dir())]
    file, folder = rng.choice(files), rng.choice(folders)
    odd = rng.choice(
        ("a\nb.png", " ", "train", "é.png", "x" * 200 + ".png", ".hidden", "\udc80.png")
    )
    kind = rng.randrange(8)
    if kind == 0:
        file.rename(file.with_name(odd) if not file.with_name(odd).exists() else file)
    elif kind == 1:
        target = folder / file.name
        if not target.is_dir():
            target.write_bytes(file.read_bytes())
    elif kind == 2:
        file.write_bytes(b"")
    elif kind == 3:
        file.unlink()
    elif kind == 4:
        (folder / odd).mkdir(exist_ok=True) if not (folder / odd).is_file() else None
    elif kind == 5 and not (folder / "loop").is_symlink():
        (folder / "loop").symlink_to(rng.choice((root, file, root / "nowhere.png")))
    elif kind == 6 and folder != root:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
    elif kind == 7 and folder != root and not folder.with_name(odd).exists():
        folder.rename(folder.with_name(odd))


@pytest.mark.parametrize("name", ["folder", "split-folder"])
def test_disturbed_folders(name: str, make_tree, tmp_path: Path, said: list[str]):
    expected, path = make_tree(name)
    module = registry.find(FORMATS, expected, "format")
    rng, counts = random.Random(name), {"read": 0, "fewer": 0, "refused": 0}
    for _ in range(MUTATIONS):
        copy = tmp_path / "copy"
        shutil.copytree(path, copy)
        for _ in range(rng.randint(1, 4)):
            if any(place.is_file() for place in copy.rglob("*")):
                disturb(copy, rng)
        counts[outcome(module, copy, 1)] += 1
        shutil.rmtree(copy)
    print(name, counts)
    assert counts["read"] > 0
