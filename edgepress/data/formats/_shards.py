"""The members of a tar archive, read in order with little memory, and whether it is whole."""

import io
import tarfile
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgepress.core.errors import UserError

LARGEST = 256 << 20  # bytes of one member
BLOCK = 512


@dataclass(frozen=True)
class Member:
    """A file of an archive: `cat/001.jpg` has the key `cat/001` and the ending `jpg`."""

    key: str
    ending: str
    content: bytes


class _Bounded(io.BufferedReader):
    """Refuses to read more at once than a member may have, whatever a header says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LARGEST + BLOCK:
            raise tarfile.ReadError(f"a header or member of {size} bytes")
        return super().read(size)


def members(file: Path, endings: Container[str], skipped: Counter[str]) -> Iterator[Member]:
    """Yield the members with these endings in order; others are counted.

    Nothing is ever written where a member's name says. Members with names that lead out of a
    folder, links and devices are passed over.

    Raises:
        UserError: the archive is damaged or not finished, or a member is larger than 256 MiB.
    """
    try:
        with _Bounded(io.FileIO(file)) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            before = -1
            while (member := tar.next()) is not None:
                if tar.offset <= before:
                    raise tarfile.ReadError("a member lies before the one that it follows")
                before = tar.offset
                tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
                found = _member(tar, member, endings, skipped)
                if found is not None:
                    yield found
            _check_end(stream, tar.offset)
    except (
        tarfile.TarError,
        OSError,
        ValueError,
        EOFError,
        OverflowError,
        RecursionError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The archive cannot be read ({reason:.300})", got=file) from None


def _member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, endings: Container[str], skipped: Counter[str]
) -> Member | None:
    key, ending = _divided(member.name)
    if member.isdir():
        return None
    if not member.isfile():
        skipped["links and devices"] += 1
    elif member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
        skipped["members whose names lead out of the folder"] += 1
    elif ending not in endings:
        skipped["members that are neither image nor label"] += 1
    elif member.size > LARGEST:
        raise tarfile.ReadError(f"{key[:100]!r} has {member.size:,} bytes; allowed: {LARGEST:,}")
    else:
        return Member(key, ending, _content(tar, member))
    return None


def _divided(name: str) -> tuple[str, str]:
    """Return the key and the ending: what comes before and after the first dot of the file name."""
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    content = stream.read() if stream is not None else b""
    if len(content) != member.size:
        raise tarfile.ReadError(f"unexpected end of {member.name[:100]!r}")
    return content


def _check_end(stream: io.BufferedReader, offset: int) -> None:
    """Refuse an archive whose rest is not the empty blocks that end one.

    The reader stops without a word at a damaged header, and where a file was cut between members.
    """
    stream.seek(offset)
    empty = 0
    while block := stream.read(1 << 20):
        if block.strip(b"\x00"):
            raise tarfile.ReadError(f"a damaged header, or another archive, at byte {offset:,}")
        empty += len(block)
    if empty < BLOCK:
        raise tarfile.ReadError("it is not finished: members may be missing")
