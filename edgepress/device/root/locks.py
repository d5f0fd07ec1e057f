"""Locks of a root, which the system frees when a process dies, however it dies."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import DeviceError
from ..files import lock, try_lock

CHANGE, INSTALLATION = "lock", "install.lock"


def locked(root: Path) -> AbstractContextManager[None]:
    """Let one process at a time change a root; held for moments, because every start needs it.

    Raises:
        DeviceError: there is no such root, it cannot be written, or the system has no such locks.
    """
    return _one_at_a_time(root, CHANGE)


def installing(root: Path) -> AbstractContextManager[None]:
    """Let one process at a time install; nobody else waits for it while it tests a bundle.

    Raises:
        DeviceError: as `locked`.
    """
    return _one_at_a_time(root, INSTALLATION)


@contextmanager
def _one_at_a_time(root: Path, name: str) -> Iterator[None]:
    with _opened(root, name) as file:
        lock(file.fileno())
        try:
            yield
        except OSError as error:
            raise not_written(root, error) from None


@contextmanager
def unless_installing(root: Path) -> Iterator[bool]:
    """Keep installations off for a moment; gives False where one is under way."""
    with _opened(root, INSTALLATION) as file:
        yield try_lock(file.fileno())


def nothing_in(root: Path) -> DeviceError:
    """Return what is said about a root without a release."""
    return DeviceError("Nothing is installed", got=root, next_step="install BUNDLE.zip --root")


def not_written(root: Path, error: OSError) -> DeviceError:
    """Return what is said about a root that cannot be changed."""
    return DeviceError(
        f"The root cannot be written ({error.strerror})", got=root,
        next_step=f"make it writable; --bundle {root / 'current'} predicts without writing",
    )  # fmt: skip


def _opened(root: Path, name: str) -> TextIO:
    if sys.platform == "win32":
        raise DeviceError("Slots need Linux or macOS", next_step="use --bundle instead of --root")
    try:
        return (root / name).open("w")
    except FileNotFoundError:
        raise nothing_in(root) from None
    except OSError as error:
        raise not_written(root, error) from None
