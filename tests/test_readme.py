"""What the README shows is what the code does."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import readme
from compress.core import artifact as artifacts
from compress.core.eval_file import load_eval
from compress.data import split
from compress.data.dataset import open_data

ROOT = Path(__file__).resolve().parents[1]


def text() -> str:
    return (ROOT / "README.md").read_text()


def test_tables_are_those_of_the_committed_results(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert readme.updated(text()) == text(), "run `make readme`"


def test_a_stale_table_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    stale = re.sub(r"student-int8", "student-int9", text())
    assert readme.updated(stale) != stale


def test_a_readme_that_is_not_there_is_bad_input(command, tmp_path: Path):
    done = command("benchmarks.readme", "--readme", tmp_path / "none.md")
    assert done.code == 2
    assert "none.md" in done.err


def test_every_linked_file_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text())
    assert links
    assert all((ROOT / link).exists() for link in links), links


@pytest.mark.slow
def test_the_ten_lines_predict_what_the_benchmark_measured(finished: Path, scenes: Path, tmp_path):
    code = next(block for block in re.findall(r"```python\n(.*?)```", text(), re.DOTALL))
    assert len(code.strip().splitlines()) <= 14
    script = tmp_path / "reader.py"
    script.write_text(code)
    artifact = artifacts.load(finished / "student-int8")
    data = open_data(str(scenes))
    stored = load_eval(artifact.path / "eval.npz")
    rows = split.indices(data, artifact.manifest.data.split, "test")
    labels = artifact.manifest.labels
    for place in (0, 5, 9):
        done = subprocess.run(
            [sys.executable, script, artifact.weights, data.paths[rows[place]]],
            capture_output=True, text=True, check=True, cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        found = set(ast.literal_eval(done.stdout))
        wanted = stored.scores[0, place] >= np.array(labels.thresholds)
        assert found == {name for name, hit in zip(labels.names, wanted, strict=True) if hit}
