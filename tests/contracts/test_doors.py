"""Every command is listed by `python -m edgepress` in its own words, or has a reason not to."""

import ast
from pathlib import Path

import pytest
from places import ROOT

from benchmarks.claims import __main__ as claims
from edgepress.core import doors

ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")
PUBLIC = [name for commands in doors.COMMANDS.values() for name in commands]
ELSEWHERE = {
    "edgepress": "the list itself",
    "edgepress.device": "runs on the device, as `run.py` of a bundle",
    "compress.data": "benchmarks.inspection by its former name",
    "benchmarks.claims": "listed by python -m benchmarks.claims",
    "benchmarks.timing.worker": "a fresh process that times one model",
    "models.voc2007": "a process with torchvision, for `--data voc2007`",
    "export.converting.formats._litert_converter": "runs in LiteRT's environment",
}
"""Runnable modules, and folders of them, that are no public commands."""


def runnable(file: Path) -> bool:
    """Tell whether a file does something when it is run."""
    tests = [node.test for node in ast.parse(file.read_text()).body if isinstance(node, ast.If)]
    return any(ast.unparse(test).startswith("__name__ ==") for test in tests)


def found() -> set[str]:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if runnable(file)]
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files}
    return {name.removesuffix(".__main__") for name in names}


def is_of(name: str, above: str) -> bool:
    return f"{name}.".startswith(f"{above}.")


def test_what_can_be_run_is_in_the_table_or_has_a_reason() -> None:
    elsewhere = set(ELSEWHERE) - {"edgepress"}
    left = {n for n in found() - {"edgepress"} if not any(is_of(n, one) for one in elsewhere)}
    assert left == set(PUBLIC)


def test_every_reason_is_for_something() -> None:
    assert not [one for one in ELSEWHERE if not any(is_of(name, one) for name in found())]


def test_there_are_few_public_commands_each_once_and_in_its_room() -> None:
    assert len(PUBLIC) == len(set(PUBLIC)) <= 26
    wrong = [n for room, names in doors.COMMANDS.items() for n in names if not is_of(n, room)]
    assert not wrong


def test_the_list_shows_all_with_their_own_words(shell) -> None:
    done = shell("edgepress")
    assert done.code == 0, done.err
    for name in PUBLIC:
        (line,) = [one for one in done.out.splitlines() if f"python -m {name} " in one]
        assert line.endswith(f"  {doors.does(name)}")
    assert "benchmarks.claims" in done.out


def test_a_docstring_that_does_not_begin_with_its_command_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"edgepress\.core\.doors"):
        doors.does("edgepress.core.doors")


def test_claims_are_listed_apart(command) -> None:
    done = command("benchmarks.claims.__main__")
    assert done.code == 0, done.err
    modules = {name for name in found() if is_of(name, "benchmarks.claims")}
    assert {name for name in modules if name.count(".") == 2} <= {*claims.names()} <= modules
    assert all(f"python -m {name} " in done.out for name in claims.names())
