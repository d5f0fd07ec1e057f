"""Running out of memory, which every library says in its own words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from edgepress.core.errors import EdgepressError, UserError

_SIGNS = re.compile(
    r"std::bad_alloc|bad allocation|out of memory|not enough memory|MemoryError"
    r"|memory allocation.* failed|buffer allocation failed|smaller than requested bytes"
    r"|(failed to|can't|cannot|could not) allocate (\d+ bytes of )?memory",
    re.IGNORECASE,
)
"""C++, NumPy, ONNX Runtime, OpenVINO, torch (CPU and CUDA), OpenBLAS and browsers."""


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
