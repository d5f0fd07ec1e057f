"""Which processes have a release on probation open, and which of them have died.

    ROOT/processes/RELEASE-BOOT-PID-RANDOM      locked as long as its process lives

A process that ends well removes its record. One that is killed leaves it behind, and the system
has freed the lock: that is a death, and a process that lives is none, however many there are.

When the power fails, all processes are gone, and the release has nothing to do with it: what an
earlier run of the machine has left is no death, unless the model was not open yet. Then it counts
once for that run, since opening it may be what has brought the machine down.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..files import lock, try_lock

FOLDER = "processes"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Life:
    """This process has a release open; the root must be locked while it is noted."""

    def __init__(self, root: Path, release: int) -> None:
        """Note it; a disk that cannot is told, and its process counts as none."""
        name = f"{release}-{_boot()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._record = root / FOLDER / name
        self._handle: int | None = None
        try:
            self._record.parent.mkdir(exist_ok=True)
            self._handle = os.open(self._record, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        except OSError as error:
            text = f"warning: the probation cannot be stored ({error.strerror})"
            print(text, file=sys.stderr, flush=True)
        else:
            lock(self._handle)

    def model_is_open(self) -> None:
        """Note that opening the model has brought nothing down."""
        if self._handle is not None:
            with suppress(OSError):
                os.write(self._handle, b"open\n")

    def ended_well(self) -> None:
        """Take the note back; more than once does no harm."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):  # it counts as a death then, of which it takes three
                self._record.unlink(missing_ok=True)
            os.close(handle)


def running(root: Path, release: int) -> int:
    """Return how many processes have a release open now."""
    return sum(not dead for _, dead in _records(root, release))


def deaths(root: Path, release: int) -> int:
    """Return how often processes that had a release open have died; the root must be locked."""
    dead = [record for record, is_dead in _records(root, release) if is_dead]
    here = _boot()
    boots = [record.name.split("-")[1] for record in dead]
    opening = {boot for boot, one in zip(boots, dead, strict=True) if _is_empty(one)}
    return boots.count(here) + len(opening - {here})


def forget(root: Path, but: int | None = None) -> None:
    """Remove what dead processes have left, of all releases but one; the root must be locked."""
    for record, dead in _records(root, None):
        if dead and (but is None or not record.name.startswith(f"{but}-")):
            with suppress(OSError):
                record.unlink()


def _records(root: Path, release: int | None) -> Iterator[tuple[Path, bool]]:
    """Yield the records of a release, or of all, and whether their processes are dead."""
    pattern = "*-*-*-*" if release is None else f"{release}-*-*-*"
    for record in sorted((root / FOLDER).glob(pattern)):
        try:
            handle = os.open(record, os.O_RDONLY)
        except OSError:  # it has ended well in this moment
            continue
        try:
            yield record, try_lock(handle)
        finally:
            os.close(handle)


def _is_empty(record: Path) -> bool:
    try:
        return not record.read_bytes()
    except OSError:  # it has just been removed
        return False


def _boot() -> str:
    """Return what tells this run of the machine from another; always the same where none tells."""
    try:
        return _BOOT.read_text()[:8]
    except OSError:
        return "0"
