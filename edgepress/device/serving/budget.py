"""Memory that several photographs share, each with as much as it takes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST_PASSED = 8
"""How often one that finds too little memory is passed by others that find enough."""


@dataclass(eq=False)
class _Waiting:
    bytes: int
    passed: int = 0


class Budget:
    """So many bytes, for so many photographs at once.

    A large photograph that waits does not hold small ones off for which there is room, and is not
    held off by them for ever.
    """

    def __init__(self, allowed_bytes: int, photographs: int) -> None:
        self.allowed_bytes = allowed_bytes
        self._left, self._free = allowed_bytes, photographs
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []

    @contextmanager
    def taken(self, wanted_bytes: int, seconds: float) -> Iterator[None]:
        """Have some of it for a while.

        Args:
            wanted_bytes: At most `allowed_bytes`.
            seconds: How long to wait for it.

        Raises:
            TimeoutError: there was too little all the time.
        """
        with self._changed:
            self._take(_Waiting(wanted_bytes), seconds)
        try:
            yield
        finally:
            with self._changed:
                self._left, self._free = self._left + wanted_bytes, self._free + 1
                self._changed.notify_all()

    def _take(self, one: _Waiting, seconds: float) -> None:
        self._waiting.append(one)
        try:
            if not self._changed.wait_for(lambda: self._may_go(one), seconds):
                raise TimeoutError
            for other in self._before(one):
                other.passed += 1
            self._left, self._free = self._left - one.bytes, self._free - 1
        finally:
            self._waiting.remove(one)
            self._changed.notify_all()  # who was behind it

    def _may_go(self, one: _Waiting) -> bool:
        patient = all(other.passed < MOST_PASSED for other in self._before(one))
        return patient and self._free > 0 and self._left >= one.bytes

    def _before(self, one: _Waiting) -> list[_Waiting]:
        return self._waiting[: self._waiting.index(one)]
