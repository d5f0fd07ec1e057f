"""How much memory is left, and running out of it, which every library says in its own words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgepress.core.environment import memory_bytes
from edgepress.core.errors import EdgepressError, UserError

_SIGNS = re.compile(
    r"std::bad_alloc|bad allocation|out of memory|not enough memory|MemoryError"
    r"|memory allocation.* failed|buffer allocation failed|smaller than requested bytes"
    r"|(failed to|can't|cannot|could not) allocate (\d+ bytes of )?memory",
    re.IGNORECASE,
)
"""C++, NumPy, ONNX Runtime, OpenVINO, torch (CPU and CUDA), OpenBLAS and browsers."""


MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
SMALL_BYTES = 4 * 2**30
"""Of a machine that does not say how much memory it has."""


def available_bytes() -> int:
    """Return how much memory this process may still take: of the machine and of its control group.

    Where the system does not say, half of the machine's memory is taken to be free.
    """
    free_kb = _field(MEMINFO, "MemAvailable:")
    free = (memory_bytes() or SMALL_BYTES) // 2 if free_kb is None else 1024 * free_kb
    return max(0, min([free, *_left_in_groups()]))


def _left_in_groups() -> Iterator[int]:
    """Yield what a control group's limit leaves; pages of files that nobody uses are free."""
    for limit, used, unused in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        most = _text(CGROUP / limit)
        if most is not None and most.isdecimal():
            taken = int(_text(CGROUP / used) or 0)
            yield (
                int(most) - taken + (_field((CGROUP / limit).with_name("memory.stat"), unused) or 0)
            )


def _field(file: Path, name: str) -> int | None:
    """Return the number behind a name in a table of names and numbers."""
    lines = (line.split() for line in (_text(file) or "").splitlines())
    return next((int(words[1]) for words in lines if words[:1] == [name]), None)


def _text(file: Path) -> str | None:
    """Return what a file of the system says, `None` where there is none."""
    try:
        return file.read_text().strip()
    except OSError:
        return None


def too_little(why: str, got: object = None) -> UserError:
    """Return the error for work that does not fit into the memory."""
    return UserError(
        f"There is too little memory for the model ({why})",
        got=got,
        next_step="close other programs, take smaller images, a smaller batch or fewer threads, or "
        "a machine with more memory",
    )


def from_text(text: str, got: object = None) -> UserError | None:
    """Return the error to show if a program's words mean that memory ran out, else `None`."""
    for line in text.splitlines():
        found = _SIGNS.search(line)
        if found:
            return too_little(line[found.start() :].strip(" '\"."), got)
    return None


def from_error(error: BaseException, got: object = None) -> UserError | None:
    """Return the error to show if this one means that memory ran out, else `None`."""
    if isinstance(error, MemoryError):
        return too_little(str(error) or "MemoryError", got)
    return from_text(str(error), got)


@contextmanager
def watched() -> Iterator[None]:
    """Turn the errors of any library that ran out of memory into one clear message.

    Raises:
        UserError: the memory ran out.
    """
    try:
        yield
    except EdgepressError:
        raise
    except Exception as error:
        too_little = from_error(error)
        if too_little is None:
            raise
        raise too_little from None
