"""What the worst photographs took, and the page of them."""

from typing import Any

from benchmarks.claims.worst_images.measuring import Row, Together
from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

HEADER = ("photograph", "file", "answer", "memory", "seconds")


class Result(Noun):
    """What every photograph took, and all of them at once."""

    command: str
    bundle: str
    """Name and release."""
    memory_mb: int
    at_rest_bytes: int
    """Resident memory of the server after some ordinary photographs."""
    rows: tuple[Row, ...]
    together: Together | None
    environment: dict[str, Any]

    def faults(self) -> list[str]:
        """Return what is not as promised."""
        allowed_bytes = self.memory_mb * 10**6
        took = [row.memory_bytes for row in self.rows]
        took += [self.together.memory_bytes] if self.together else []
        other = [f"{row.name}: {row.status}" for row in self.rows if row.status != row.expected]
        failed = [500] if self.together and 500 in self.together.answered else []
        more = [f"{size / 1e6:.0f} MB" for size in took if size > allowed_bytes]
        return [*other, *map(str, failed), *more]


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table."""
    answer = str(row.status) if row.status == row.expected else f"{row.status}, not {row.expected}"
    took = f"{row.memory_bytes / 1e6:.0f} MB"
    return (row.name, f"{row.file_bytes:,} bytes", answer, took, f"{row.seconds:.2f}")


def table(result: Result) -> str:
    """Return the page of a result."""
    most = max(row.memory_bytes for row in result.rows)
    parts = (
        "# The worst photographs",
        f"`{result.command}`",
        f"The server of {result.bundle} was given `--memory-mb {result.memory_mb}`, a watch that "
        "keeps images, and photographs that were thought out to take much. At rest it has "
        f'{result.at_rest_bytes / 1e6:.0f} MB resident; "memory" is the peak above what it was '
        f"before, at most {most / 1e6:.0f} MB. 413: refused, before it is decoded.",
        table_md(HEADER, [cells(row) for row in result.rows], left={0}),
        *([_together(result.together, result.memory_mb)] if result.together else []),
    )
    return "\n\n".join(parts)


def _together(found: Together, memory_mb: int) -> str:
    waits = found.ordinary_seconds
    answers = ", ".join(f"{number} times {status}" for status, number in found.answered.items())
    return (
        f"All at once from {found.clients - 1} clients, and ordinary photographs one after the "
        f"other from one more: {answers}; {found.memory_bytes / 1e6:.0f} MB of {memory_mb} MB. "
        f"An ordinary photograph took {waits[len(waits) // 2]:.2f} s (median) and "
        f"{waits[-1]:.2f} s at most."
    )
