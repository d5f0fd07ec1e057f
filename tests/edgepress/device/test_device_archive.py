"""Archives have exactly one reading; everything else is refused."""

import copy
import io
import stat
import struct
import zipfile
from pathlib import Path

import device_bundles
import pytest

from edgepress.device.bundle import archive
from edgepress.device.errors import DeviceError

FILES = {"a.txt": b"first", "golden/b.txt": b"second", "empty": b""}


def stored(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes], **options: int) -> Path:
    """Write a zip as any tool could."""
    with zipfile.ZipFile(path, "w", **options) as opened:
        for entry, content in entries:
            opened.writestr(entry, content)
    return path


def test_what_is_packed_is_read(tmp_path: Path):
    path = device_bundles.zipped(tmp_path / "b.zip", FILES)
    assert archive.read(path) == FILES


def test_order_does_not_matter():
    assert archive.pack(FILES) == archive.pack(dict(reversed(FILES.items())))


def test_other_tools_can_read_it():
    with zipfile.ZipFile(io.BytesIO(archive.pack(FILES))) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == FILES


def test_every_changed_byte_of_an_archive_is_refused(tmp_path: Path):
    whole, path = archive.pack(FILES), tmp_path / "b.zip"
    accepted = []
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        try:
            archive.read(path)
        except DeviceError:
            continue
        accepted.append(place)
    assert not accepted


@pytest.mark.parametrize("cut", [0, 1, 21, 100])
def test_a_part_of_an_archive_is_refused(cut: int, tmp_path: Path):
    whole = archive.pack(FILES)
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) - 1 - cut])
    with pytest.raises(DeviceError, match="refused"):
        archive.read(tmp_path / "b.zip")


@pytest.mark.parametrize("around", [(b"x", b""), (b"", b"x"), (b"PK\3\4", b"")])
def test_hidden_data_are_refused(around: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "b.zip").write_bytes(around[0] + archive.pack(FILES) + around[1])
    with pytest.raises(DeviceError, match="refused"):
        archive.read(tmp_path / "b.zip")


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "a/../../evil",
        "a\\..\\evil",
        "c:evil",
        "a//b",
        "./a",
        "a/",
        "\x1b[2J",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path):
    path = stored(tmp_path / "b.zip", (name, b"x"))
    with pytest.raises(DeviceError, match=r"leads out|link or a folder"):
        archive.read(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    path = stored(tmp_path / "b.zip", (entry, b"/etc/passwd"))
    with pytest.raises(DeviceError, match="link or a folder"):
        archive.read(path)


def test_a_bomb_is_refused_before_it_expands(tmp_path: Path):
    bomb = stored(
        tmp_path / "b.zip", ("zeros", bytes(50_000_000)), compression=zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    with pytest.raises(DeviceError, match="is compressed, and could expand"):
        archive.read(bomb)


def test_files_that_share_their_bytes_are_refused(tmp_path: Path):
    """Two entries of the directory point at one file: another form of bomb."""
    whole = bytearray(archive.pack({"a": bytes(400), "b": bytes(400)}))
    second = whole.rindex(b"PK\1\2")
    whole[second + 42 : second + 46] = struct.pack("<I", 0)
    (tmp_path / "b.zip").write_bytes(whole)
    with pytest.raises(DeviceError, match="refused"):
        archive.read(tmp_path / "b.zip")


def test_one_file_listed_twice_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as opened:
        opened.writestr("a", bytes(1000))
        again = copy.copy(opened.filelist[0])
        again.filename = "b"
        opened.filelist.append(again)
    with pytest.raises(DeviceError, match="share their bytes"):
        archive.read(tmp_path / "b.zip")


def test_encrypted_files_are_refused(tmp_path: Path):
    whole = bytearray(archive.pack({"a": bytes(400)}))
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        whole[whole.index(header) + flags] |= 1
    (tmp_path / "b.zip").write_bytes(whole)
    with pytest.raises(DeviceError, match=r"not a readable zip file .*encrypted"):
        archive.read(tmp_path / "b.zip")


def test_files_are_unpacked_to_where_they_belong(tmp_path: Path):
    archive.unpack({"top": b"1", "golden/0.png": b"2", "golden/1.png": b""}, tmp_path)
    archive.unpack({"top": b"3"}, tmp_path)
    found = {
        file.relative_to(tmp_path).as_posix(): file.read_bytes()
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    assert found == {"top": b"3", "golden/0.png": b"2", "golden/1.png": b""}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("Model", "model")])
def test_duplicates_are_refused(names: tuple[str, str], tmp_path: Path):
    path = stored(tmp_path / "b.zip", *((name, b"x") for name in names))
    with pytest.raises(DeviceError, match="same name"):
        archive.read(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", bytes(1000)])
def test_other_files_are_refused(content: bytes, tmp_path: Path):
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(DeviceError, match="not a readable zip"):
        archive.read(tmp_path / "b.zip")


def test_a_huge_file_is_refused_unread(tmp_path: Path):
    with (tmp_path / "b.zip").open("wb") as file:
        file.truncate(archive.MOST_BYTES + 1)  # sparse
    with pytest.raises(DeviceError, match="more than"):
        archive.read(tmp_path / "b.zip")


def test_no_file_is_refused(tmp_path: Path):
    with pytest.raises(DeviceError, match=r"none\.zip"):
        archive.read(tmp_path / "none.zip")
