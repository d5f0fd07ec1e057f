"""`docs/results/mutants`: how many died, and each survivor with the reason why it stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from mutants.table import ROOT, Guarded, guarded, reasons
from mutants.tried import LATE, SURVIVED, Tried

FOLDER = ROOT / "docs" / "results" / "mutants"
WANTED = 0.9


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed."""

    function: str
    was: str
    becomes: str


@dataclass(frozen=True)
class FileResult:
    """What became of the mutants of one file."""

    area: str
    file: str
    places: int
    """Changes that the operators know there, one for each operator and place."""
    tried: int
    killed: int
    """Those after which the tests took too long among them."""
    late: int
    survivors: tuple[Survivor, ...] = field(default=())


def result(row: Guarded, places: int, found: Sequence[Tried]) -> FileResult:
    """Return the counts of one file."""
    survivors = [tried.key.split(" | ") for tried in found if tried.ended == SURVIVED]
    late = sum(tried.ended == LATE for tried in found)
    killed = len(found) - len(survivors)
    left = tuple(Survivor(*parts[1:]) for parts in survivors)
    return FileResult(row.area, row.file, places, len(found), killed, late, left)


def stored() -> dict[str, FileResult]:
    """Return the committed results by file."""
    file = FOLDER / "mutants.json"
    rows = json.loads(file.read_text())["files"] if file.exists() else []
    for row in rows:
        row["survivors"] = tuple(Survivor(**survivor) for survivor in row["survivors"])
    return {row["file"]: FileResult(**row) for row in rows}


def write(results: Mapping[str, FileResult], sample: int | None, seed: int) -> None:
    """Write the results of all files of the table as JSON and as a page."""
    ordered = [results[row.file] for row in guarded() if row.file in results]
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = {
        "tool": f"cosmic-ray {version('cosmic-ray')}",
        "command": "make mutants",
        "sample": sample,
        "seed": seed,
        "files": [asdict(one) for one in ordered],
    }
    file = FOLDER / "mutants.json"
    file.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    (FOLDER / "README.md").write_text(made_of(file))


def made_of(file: Path) -> str:
    """Return the page of stored results."""
    made = json.loads(file.read_text())
    return page(made["tool"], made["sample"], made["seed"], list(stored().values()))


def page(tool: str, sample: int | None, seed: int, results: Sequence[FileResult]) -> str:
    """Return the page in Markdown."""
    tried, killed = sum(one.tried for one in results), sum(one.killed for one in results)
    drawn = "every change" if sample is None else f"up to {sample} changes a file, seed {seed}"
    lines = [
        "# Mutants",
        "",
        f"`make mutants` ({tool}; {drawn}) changed what decides in {len(results)} files, a line at "
        f"a time: **the tests noticed {killed:,} of {tried:,} changes "
        f"({share(killed, tried)})**. How it is run and what counts: "
        "[testing.md](../../testing.md). This page is generated.",
        "",
        *_table(results),
        "",
        "## Survivors, and why they do not matter",
        "",
        *_survivors(results),
    ]
    return "\n".join(lines) + "\n"


def share(part: int, whole: int) -> str:
    """Return a share as it is shown."""
    return f"{100 * part / whole:.1f}%" if whole else "none tried"


def _table(results: Sequence[FileResult]) -> list[str]:
    lines = ["| file | places | tried | noticed | share |", "|---|---|---|---|---|"]
    for area in dict.fromkeys(one.area for one in results):
        inside = [one for one in results if one.area == area]
        lines.append(_line(f"**{area}**", inside))
        lines += [_line(f"`{one.file}`", [one]) for one in inside]
    return lines


def _line(name: str, results: Sequence[FileResult]) -> str:
    places, tried, killed = (
        sum(getattr(one, what) for one in results) for what in ("places", "tried", "killed")
    )
    return f"| {name} | {places} | {tried} | {killed} | {share(killed, tried)} |"


def _survivors(results: Sequence[FileResult]) -> list[str]:
    why = {reason.key: reason.why for reason in reasons()}
    lines = []
    for one in results:
        if one.survivors:
            lines += [f"### `{one.file}`", ""]
        for survivor in one.survivors:
            key = f"{one.file} | {survivor.function} | {survivor.was} | {survivor.becomes}"
            lines += [
                f"- `{survivor.function or 'module'}`: `{survivor.was}` becomes "
                f"`{survivor.becomes or 'nothing'}`. {why.get(key, '**No reason is given.**')}"
            ]
        lines += [""] if one.survivors else []
    return lines or ["None."]


def unexplained(results: Sequence[FileResult]) -> list[str]:
    """Return the keys of survivors without a reason."""
    known = {reason.key for reason in reasons()}
    keys = [
        f"{one.file} | {left.function} | {left.was} | {left.becomes}"
        for one in results
        for left in one.survivors
    ]
    return [key for key in keys if key not in known]


def relative(path: Path) -> str:
    """Return a path as it is shown."""
    return str(path.relative_to(ROOT))
