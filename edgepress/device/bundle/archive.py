"""Bundles as files: one zip with exactly one reading.

Entries are stored, not compressed, with a fixed date and mode, sorted by name. So an archive of the
same files has the same bytes on every machine (compressors differ), nothing in it can expand, and
a reader can demand that the archive is, byte for byte, what `pack` makes of its content: no room is
left for links, odd headers, hidden data or two readings of one file.
"""

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

from ..errors import DeviceError

EPOCH = (1980, 1, 1, 0, 0, 0)
MOST_BYTES = 512 * 2**20
"""Largest archive that is read; it is held in memory twice."""

Files = dict[str, bytes]


def pack(files: Files) -> bytes:
    """Return the archive of some files, by name; its bytes depend on nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, so that the bytes are the same on every system
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def read(path: Path) -> Files:
    """Return the files of an archive, by name; nothing is written.

    Raises:
        DeviceError: not an archive that `pack` has made.
    """
    content = _content(path)
    try:
        files = _files(content, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _refused(path, f"it is not a readable zip file ({error})") from None
    if pack(files) != content:
        raise _refused(path, "it holds something beside its files")
    return files


def unpack(files: Files, folder: Path) -> None:
    """Write files, by name, into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def is_safe(name: str) -> bool:
    r"""Return whether a name stays inside the folder that it is unpacked to, on every system.

    >>> [is_safe(name) for name in ("golden/0.png", "../a", "/a", "a/../b", "a\\b", "c:a", "")]
    [True, False, False, False, False, False, False]
    """
    parts = name.split("/")
    plain = name.isprintable() and not set(name) & set('\\:*?"<>|')
    return plain and not PurePosixPath(name).is_absolute() and not {"", ".", ".."} & set(parts)


def _content(path: Path) -> bytes:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MOST_BYTES:
            raise _refused(path, f"{size_bytes:,} bytes are more than the {MOST_BYTES:,} allowed")
        return path.read_bytes()
    except OSError as error:
        raise DeviceError(f"The bundle cannot be read ({error.strerror})", got=path) from None


def _files(content: bytes, path: Path) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        for entry in entries:
            reason = _objection(entry)
            if reason:
                raise _refused(path, f"{entry.filename!r} {reason}")
        names = [entry.filename.casefold() for entry in entries]
        if len(set(names)) != len(names):
            raise _refused(path, "two files have the same name")
        if sum(entry.file_size for entry in entries) > len(content):
            raise _refused(path, "its files share their bytes")
        return {entry.filename: archive.read(entry) for entry in entries}


def _objection(entry: zipfile.ZipInfo) -> str | None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or entry.is_dir():
        return "is a link or a folder, not a file"
    if not is_safe(entry.filename):
        return "leads out of the bundle"
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        return "is compressed, and could expand"
    return None


def _refused(path: Path, reason: str) -> DeviceError:
    return DeviceError(
        f"The bundle is refused: {reason}",
        got=path,
        allowed="archives as python -m export.bundle writes them",
        next_step="fetch the bundle again",
    )
