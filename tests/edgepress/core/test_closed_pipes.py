"""`| head`: whoever reads a command may go away; the work is done, and its exit code is right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

COMMAND = """
import sys
from pathlib import Path
from edgepress.core import console
from edgepress.core.cli import main
from edgepress.core.errors import GateFailed
from edgepress.core.noun import Noun

class Config(Noun):
    '''Do some work.'''
    out: Path = Path('out')
    missed: bool = False

def run(config):
    console.result("begun")
    console.table("Title", ("a", "b"), [("1", "2")] * 9)
    console.say("a remark")
    console.warn("a warning")
    assert list(console.track([1, 2], "working")) == [1, 2]
    console.result("x" * 100_000)
    config.out.write_text("whole")
    if config.missed:
        raise GateFailed("not met")

sys.exit(main(Config, run))
"""
UNHEARD = pytest.mark.parametrize("unheard", [("stdout",), ("stderr",), ("stdout", "stderr")])


def ended(*words: object, unheard: tuple[str, ...], unbuffered: str) -> tuple[int, str, str]:
    """Run the command with some of its streams closed; return its code and what is heard."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | dict.fromkeys(
        unheard, writer
    )
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, words)],
        cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, text=True, **streams,
    )  # fmt: skip
    os.close(writer)
    return done.returncode, done.stdout or "", done.stderr or ""


@UNHEARD
@pytest.mark.parametrize(
    ("words", "code", "unbuffered"), [((), 0, ""), (("--missed",), 3, "1")], ids=["met", "missed"]
)
def test_the_work_is_done_and_judged(
    words: tuple[str, ...], code: int, unbuffered: str, unheard: tuple[str, ...], tmp_path: Path
):
    out = tmp_path / "out"
    found, said, remarks = ended("--out", out, *words, unheard=unheard, unbuffered=unbuffered)
    assert (found, out.read_text()) == (code, "whole")
    assert said.endswith("x\n") is ("stdout" not in unheard)
    assert ("a remark" in remarks) is ("stderr" not in unheard)
    assert "Traceback" not in remarks
    assert "Exception" not in remarks


@UNHEARD
@pytest.mark.parametrize(
    ("word", "code", "tells", "unbuffered"),
    [("--help", 0, "stdout", "1"), ("-h", 0, "stdout", ""), ("--no", 2, "stderr", "")],
)
def test_help_and_bad_options(
    word: str, code: int, tells: str, unbuffered: str, unheard: tuple[str, ...]
):
    found, said, remarks = ended(word, unheard=unheard, unbuffered=unbuffered)
    assert found == code
    assert bool(said) is (tells == "stdout" not in unheard)
    assert bool(remarks) is (tells == "stderr" not in unheard)
    assert "Error" not in remarks
