"""`docs/results/mutants`: how many died, and each survivor with the reason why it stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mutants.table import BETWEEN, ROOT, Guarded, guarded, key, reasons
from mutants.tried import LATE, SURVIVED, Tried, digest

FOLDER = ROOT / "docs" / "results" / "mutants"
WANTED = 0.9
SAMPLE = 25
"""Changes a file that are tried where nothing else is said."""


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
    source: str
    """What `tried.digest` says of the file as it was."""
    places: int
    """Changes that the operators know there, one for each operator and place."""
    tried: int
    killed: int
    """Those after which the tests took too long among them."""
    late: int
    survivors: tuple[Survivor, ...] = field(default=())


def result(row: Guarded, source: str, places: int, found: Sequence[Tried]) -> FileResult:
    """Return the counts of one file."""
    survivors = [tried.key.split(BETWEEN) for tried in found if tried.ended == SURVIVED]
    late = sum(tried.ended == LATE for tried in found)
    killed = len(found) - len(survivors)
    left = tuple(Survivor(*parts[1:]) for parts in survivors)
    return FileResult(row.area, row.file, digest(source), places, len(found), killed, late, left)


def stored() -> dict[str, FileResult]:
    """Return the committed results by file."""
    return _rows(_made()) if _made() else {}


def current(sample: int | None, seed: int) -> dict[str, FileResult]:
    """Return the committed results that were drawn like this, of files that are as they were."""
    made = _made()
    if (made.get("sample"), made.get("seed")) != (sample, seed):
        return {}
    return {
        name: one
        for name, one in _rows(made).items()
        if (ROOT / name).exists() and digest((ROOT / name).read_text()) == one.source
    }


def write(results: Mapping[str, FileResult], sample: int | None, seed: int) -> None:
    """Write the results as JSON and as a page, in the order of the table."""
    rows = guarded()
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = {
        "tool": f"cosmic-ray {version('cosmic-ray')}",
        "command": "make mutants" + ("" if sample == SAMPLE else f" SAMPLE={sample or 0}"),
        "sample": sample,
        "seed": seed,
        "left": [row.file for row in rows if row.file not in results],
        "files": [asdict(results[row.file]) for row in rows if row.file in results],
    }
    file = FOLDER / "mutants.json"
    file.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    (FOLDER / "README.md").write_text(committed())


def committed() -> str:
    """Return the page of the committed results."""
    return page(_made(), list(stored().values()))


def _made() -> dict[str, Any]:
    file = FOLDER / "mutants.json"
    made: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return made


def _rows(made: Mapping[str, Any]) -> dict[str, FileResult]:
    return {
        row["file"]: FileResult(
            **row | {"survivors": tuple(Survivor(**s) for s in row["survivors"])}
        )
        for row in made["files"]
    }


def page(made: Mapping[str, Any], results: Sequence[FileResult]) -> str:
    """Return the page in Markdown."""
    tried, killed, late = (
        sum(getattr(one, what) for one in results) for what in ("tried", "killed", "late")
    )
    sample, left = made["sample"], made["left"]
    drawn = "every change" if sample is None else f"up to {sample} changes a file"
    not_tried = f"Not tried: {', '.join(f'`{file}`' for file in left)}." if left else ""
    lines = [
        "# Mutants",
        "",
        f"`{made['command']}` ({made['tool']}; {drawn}, seed {made['seed']}) changed what decides "
        f"in {len(results)} of the {len(results) + len(left)} files of the table, a line at "
        f"a time: **the tests noticed {killed:,} of {tried:,} changes "
        f"({share(killed, tried)})**, {late} of them because they took too long. How it is run "
        "and what counts: [testing.md](../../testing.md). This page is generated, perhaps by "
        "several runs; a digest is of the code, without its imports and comments.",
        "",
        *([not_tried, ""] if left else []),
        *_table(results),
        "",
        "## Survivors, and why they do not matter",
        "",
        *_survivors(results),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def share(part: int, whole: int) -> str:
    """Return a share as it is shown."""
    return f"{100 * part / whole:.1f}%" if whole else "none tried"


def _table(results: Sequence[FileResult]) -> list[str]:
    lines = ["| file | digest | places | tried | noticed | share |", "|---|---|---|---|---|---|"]
    for area in dict.fromkeys(one.area for one in results):
        inside = [one for one in results if one.area == area]
        lines.append(_line(f"**{area}**", "", inside))
        lines += [_line(f"`{one.file}`", one.source[:8], [one]) for one in inside]
    return lines


def _line(name: str, source: str, results: Sequence[FileResult]) -> str:
    places, tried, killed = (
        sum(getattr(one, what) for one in results) for what in ("places", "tried", "killed")
    )
    return f"| {name} | {source} | {places} | {tried} | {killed} | {share(killed, tried)} |"


def _survivors(results: Sequence[FileResult]) -> list[str]:
    why = {reason.key: reason.why for reason in reasons()}
    lines = []
    for one in results:
        if one.survivors:
            lines += [f"### `{one.file}`", ""]
        for survivor in one.survivors:
            name = key(one.file, survivor.function, survivor.was, survivor.becomes)
            lines += [
                f"- `{survivor.function or 'module'}`: `{survivor.was}` becomes "
                f"`{survivor.becomes or 'nothing'}`. {why.get(name, '**No reason is given.**')}"
            ]
        lines += [""] if one.survivors else []
    return lines or ["None."]


def unexplained(results: Sequence[FileResult]) -> list[str]:
    """Return the keys of survivors without a reason."""
    known = {reason.key for reason in reasons()}
    names = [
        key(one.file, left.function, left.was, left.becomes)
        for one in results
        for left in one.survivors
    ]
    return [name for name in names if name not in known]


def relative(path: Path) -> str:
    """Return a path as it is shown."""
    return str(path.relative_to(ROOT))
