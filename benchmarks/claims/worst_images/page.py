"""The table of worst photographs as Markdown."""

from typing import Any

from benchmarks.claims.worst_images.measuring import Row
from benchmarks.report.markdown import table_md

HEADER = ("photograph", "file", "answer", "memory", "seconds")


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table."""
    answer = str(row.status) if row.status == row.expected else f"{row.status}, not {row.expected}"
    took = f"{row.memory_bytes / 1e6:.0f} MB"
    return (row.name, f"{row.file_bytes:,} bytes", answer, took, f"{row.seconds:.2f}")


def page(result: dict[str, Any]) -> str:
    """Return the page of a result as Markdown."""
    rows = [Row(**row) for row in result["rows"]]
    most = max(row.memory_bytes for row in rows)
    lines = [
        "# The worst photographs", "",
        f"`{result['command']}`", "",
        f"The server of {result['bundle']} was given `--memory-mb {result['memory_mb']}`, a watch "
        "that keeps images, and photographs that were thought out to take much. At rest it has "
        f"{result['at_rest_bytes'] / 1e6:.0f} MB resident; \"memory\" is the peak above what it "
        f"was before, at most {most / 1e6:.0f} MB. 413: refused, before it is decoded.", "",
        table_md(HEADER, [cells(row) for row in rows], left={0}), "",
        *_together(result["together"], result["memory_mb"]),
    ]  # fmt: skip
    return "\n".join(lines)


def _together(found: dict[str, Any] | None, memory_mb: int) -> list[str]:
    if found is None:
        return []
    waits = found["ordinary_seconds"]
    answers = ", ".join(f"{number} times {status}" for status, number in found["answered"].items())
    return [
        f"All at once from {found['clients'] - 1} clients, and ordinary photographs one after the "
        f"other from one more: {answers}; {found['memory_bytes'] / 1e6:.0f} MB of {memory_mb} MB. "
        f"An ordinary photograph took {waits[len(waits) // 2]:.2f} s (median) and "
        f"{waits[-1]:.2f} s at most.", "",
    ]  # fmt: skip
