"""Images packed into Arrow files and tar archives: unpacked once, whole, and nowhere else."""

import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.data import cache
from edgepress.data.dataset import FORMATS, open_data
from edgepress.data.ready_split import ready_split
from edgepress.data.table import Table


def read(name: str, path: Path) -> Table:
    return registry.find(FORMATS, name, "format").read(path)


def column(table: Table, label: str) -> list[float]:
    return table.targets[:, table.label_names.index(label)].tolist()


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_huggingface(make_tree, capfd):
    _, path = make_tree("huggingface")
    table = read("huggingface", path)
    assert table.label_names == ("New York", "dog")  # no image has a bus
    assert column(table, "dog") == [1, 0] * 6
    assert column(table, "New York") == [1, 0, 0] * 4
    assert table.columns["patient_id"][:3] == ("p0", "p0", "p1")
    assert [file.read_bytes() for file in table.paths] == [png(n) for n in range(12)]
    said = capfd.readouterr().err
    assert "left out: 'box'" in said
    assert "read 12 images, 2 labels; skipped 0" in said
    made = ready_split(open_data(str(path)), "split")
    assert len(made.test) == 4


def test_huggingface_columns(make_tree, capfd):
    _, path = make_tree("huggingface-columns")
    table = read("huggingface", path)
    assert table.label_names == ("dog", "cat")
    assert column(table, "dog") == [0, 1] * 4
    np.testing.assert_array_equal(column(table, "cat"), [1, 0, 0, np.nan, 0, 0, 1, 0])
    assert table.columns["seen"][:2] == ("true", "false")  # beside 0 and 1 it is no label
    assert table.paths[0] == path / "pictures" / "0.png"
    assert "skipped 1 (1 rows without an image)" in capfd.readouterr().err


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def features(path: Path, **values: object) -> None:
    info = json.loads((path / "dataset_info.json").read_text())
    change(path / "dataset_info.json", features=info["features"] | values)


def shorten(path: Path) -> None:
    file = next(path.glob("*.arrow"))
    file.write_bytes(file.read_bytes()[:-8])


def forget_a_shard(path: Path) -> None:
    change(path / "state.json", _data_files=[{"filename": "data-00000-of-00002.arrow"}])


def leave_the_folder(path: Path) -> None:
    change(path / "state.json", _data_files=[{"filename": "../test/data-00000-of-00001.arrow"}])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shorten, "not finished: rows may be missing"),
        (forget_a_shard, "Not every data file is listed"),
        (leave_the_folder, "lists no data files"),
        (lambda path: (path / "data-00001-of-00002.arrow").unlink(), "cannot be read"),
        (lambda path: features(path, extra={}), "other columns than"),
        (lambda path: features(path, image={"_type": "Audio"}), "no image column"),
        (lambda path: features(path, labels={"_type": "Video"}), "holds no names"),
    ],
)
def test_a_damaged_huggingface_folder(make_tree, damage, words: str):
    path = make_tree("huggingface")[1] / "train"
    damage(path)
    with pytest.raises(UserError, match=words):
        read("huggingface", path)


def test_a_class_that_has_no_name(make_tree):
    path = make_tree("huggingface")[1] / "train"
    names = {"names": ["dog"], "_type": "ClassLabel"}
    features(path, labels={"feature": names, "_type": "Sequence"})
    with pytest.raises(UserError, match=r"no class at .*column labels. Got: 1. Allowed: 0 to 0"):
        read("huggingface", path)


def test_parts_with_other_classes(make_tree):
    path = make_tree("huggingface")[1]
    features(path / "test", labels={"_type": "List", "feature": {"_type": "Value"}})
    with pytest.raises(UserError, match="Two parts have other columns"):
        read("huggingface", path)


def test_webdataset(make_tree, capfd):
    _, path = make_tree("webdataset")
    table = read("webdataset", path)
    assert table.label_names == ("New York", "dog")
    assert column(table, "dog") == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert column(table, "New York") == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert table.columns["split"] == ("train",) * 8 + ("val",) * 2
    assert table.columns["patient"][:3] == ("p0", "p0", "p1")
    assert table.columns["seen"][:2] == ("True", "False")  # beside names it is no label
    said = capfd.readouterr().err
    assert "skipped 11" in said
    assert "10 members that are neither image nor label; 1 samples without an image" in said


def test_webdataset_classes(make_tree):
    _, path = make_tree("webdataset-classes")
    table = read("webdataset", path)
    assert column(table, "cat") == [0, 1] * 4
    assert [file.read_bytes() for file in table.paths] == [png(n) for n in range(8)]


Members = list[tuple[str, bytes]]


def shard(folder: Path, members: Members, end: bool = True) -> Path:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        size = archive.offset
    file = folder / "data.tar"
    file.write_bytes(stream.getvalue() if end else stream.getvalue()[:size])
    return file


def labelled(*labels: str, ending: str = "json") -> Members:
    members: Members = []
    for n, text in enumerate(labels):
        members += [(f"{n}.png", png(n)), (f"{n}.{ending}", text.encode())]
    return members


@pytest.mark.parametrize(
    ("labels", "ending", "wanted"),
    [
        (('["a b", "c"]', "[]", '["c"]'), "json", {"a b": [1, 0, 0], "c": [1, 0, 1]}),
        (('{"a": 1, "b": false}', '{"a": 0, "b": true}', '{"a": null, "b": 1}'), "json",
         {"a": [1, 0, np.nan], "b": [0, 1, 1]}),
        (('{"label": 3}', '{"label": 1}', '{"label": -1}'), "json",
         {"3": [1, 0, np.nan], "1": [0, 1, np.nan]}),
        (("cat|New York", "", "cat"), "txt", {"cat": [1, 0, 1], "New York": [1, 0, 0]}),
        (("cat\ndog\n", "dog", ""), "txt", {"cat": [1, 0, 0], "dog": [1, 1, 0]}),
        (("0 7", "7", "0"), "txt", {"0": [1, 0, 1], "7": [1, 1, 0]}),
        (("1", "0", "1"), "cls", {"0": [0, 1, 0], "1": [1, 0, 1]}),
    ],
)  # fmt: skip
def test_labels_of_many_shapes(tmp_path: Path, labels, ending: str, wanted: dict):
    table = read("webdataset", shard(tmp_path, labelled(*labels, ending=ending)))
    assert set(table.label_names) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(column(table, name), values)


def test_classes_and_other_fields(tmp_path: Path):
    members = labelled('{"site": "x"}', '{"site": "y"}', '{"site": "x"}')
    for n in (2, 1, 0):
        members.insert(2 * n + 1, (f"{n}.cls", str(n % 2).encode()))
    table = read("webdataset", shard(tmp_path, members))
    assert column(table, "1") == [0, 1, 0]
    assert table.columns["site"] == ("x", "y", "x")


def sample(key: str, *labels: str) -> Members:
    return [(f"{key}.png", png(1)), *((f"{key}.json", text.encode()) for text in labels)]


GOOD = labelled('["a"]', '["b"]')


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([*GOOD, *sample("0", "[]")], "A key comes again .*'0'"),
        ([*GOOD, *sample("5", "[]", "[]")], "two members 'json'.*'5'"),
        ([*GOOD, *sample("5", "[]"), ("5.jpg", png(2))], "two images"),
        ([*GOOD, *sample("5", "{")], "not JSON .*data.tar, '5'"),
        ([*GOOD, *sample("5", '[{"a": 1}]')], "no class at .*'5'"),
        ([*GOOD, *sample("5", '{"a": 1}')], "Some samples have 'labels' and 1 have not. Got: '5'"),
        ([*GOOD, *sample("5", '"a|b"')], "Some labels are lists or numbers and others are texts"),
        ([*GOOD, *sample("5", '["a\\u0007"]')], "no name of a label at .*'5'"),
        ([("1.png", png(1))], "No sample has an image and labels"),
    ],
)
def test_samples_that_are_refused(tmp_path: Path, members: Members, words: str):
    with pytest.raises(UserError, match=words):
        read("webdataset", shard(tmp_path, members))


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path):
    file = shard(tmp_path, GOOD, end=False)
    with pytest.raises(UserError, match="not finished: members may be missing"):
        read("webdataset", file)
    whole = shard(tmp_path, GOOD).read_bytes()
    size = len(shard(tmp_path, GOOD, end=False).read_bytes())
    for cut in range(100, size, 333):
        file.write_bytes(whole[:cut])
        with pytest.raises(UserError, match="archive cannot be read"):
            read("webdataset", file)


def test_a_damaged_header_in_the_middle_is_refused(tmp_path: Path):
    file = shard(tmp_path, GOOD)
    content = bytearray(file.read_bytes())
    content[content.index(b"1.png")] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="a damaged header"):
        read("webdataset", file)
    file.write_bytes(2 * shard(tmp_path, GOOD).read_bytes())
    with pytest.raises(UserError, match="or another archive"):
        read("webdataset", file)


def test_links_and_names_that_lead_out_are_counted_and_written_nowhere(tmp_path: Path, capfd):
    folder = tmp_path / "deep" / "data"
    folder.mkdir(parents=True)
    file = folder / "data.tar"
    with tarfile.open(file, "w") as archive:
        for name, kind in (("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE),
                           ("d.png", tarfile.CHRTYPE), ("f.png", tarfile.FIFOTYPE)):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name, content in [*GOOD, ("../../out.png", png(9)), ("/tmp/edgepress.json", b"[]")]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    table = read("webdataset", folder)
    assert len(table.paths) == 2
    said = capfd.readouterr().err
    assert "4 links and devices; 2 members whose names lead out of the folder" in said
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written == [file]
    assert not Path("/tmp/edgepress.json").exists()
    assert all(path.is_relative_to(cache.cache_dir() / "files") for path in table.paths)


def test_a_header_that_goes_backwards_ends(tmp_path: Path):
    file = shard(tmp_path, GOOD)
    content = bytearray(file.read_bytes())
    size = (-512).to_bytes(12, "big", signed=True)  # of the second member, in base 256
    start = content.index(b"0.json")
    content[start + 124 : start + 136] = b"\xff" + size[1:]
    content[start + 148 : start + 156] = b" " * 8
    checksum = sum(content[start : start + 512])
    content[start + 148 : start + 156] = f"{checksum:06o}\0 ".encode()
    file.write_bytes(content)
    with pytest.raises(UserError, match="lies before the one that it follows"):
        read("webdataset", file)


def test_a_member_that_is_too_large_is_refused(tmp_path: Path):
    info = tarfile.TarInfo("9.png")
    info.size = 1 << 40
    file = shard(tmp_path, GOOD)
    file.write_bytes(info.tobuf() + file.read_bytes())
    with pytest.raises(UserError, match=r"'9' has 1,099,511,627,776 bytes"):
        read("webdataset", file)


@pytest.mark.parametrize("kind", ["huggingface", "webdataset"])
def test_unpacking_needs_little_memory_and_writes_once(tmp_path: Path, packed, kind: str):
    """64 MiB of images; a second reading writes nothing."""
    path = packed(kind, tmp_path, images=64, size=1 << 20)
    tracemalloc.start()
    table = read(kind, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    before = [file.stat().st_mtime_ns for file in table.paths]
    again = read(kind, path)
    assert again.paths == table.paths
    assert [file.stat().st_mtime_ns for file in again.paths] == before
    assert len(set(table.paths)) == 64
    assert not list((cache.cache_dir() / "files").rglob("*draft*"))


def test_a_damaged_file_in_the_cache_is_written_again():
    path = cache.stored(b"some bytes", ".png")
    path.write_bytes(b"some")
    assert cache.stored(b"some bytes", ".png").read_bytes() == b"some bytes"


def test_a_full_disk_is_one_message(monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(UserError, match=r"cannot be unpacked .No space left"):
        cache.stored(b"other bytes", ".png")
    assert not list((cache.cache_dir() / "files").rglob("*draft*"))
