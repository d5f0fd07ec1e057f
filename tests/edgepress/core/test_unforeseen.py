"""An error that nobody has foreseen ends a command with one message and code 1."""

import re
import tempfile
from pathlib import Path

import pytest

from compress.recipes import running
from compress.recipes.running import Place
from compress.recipes.steps import Step
from edgepress.core import cli
from edgepress.core.errors import GateFailed
from edgepress.core.noun import Noun
from edgepress.data import dataset


class Config(Noun):
    """A command."""

    out: Path = Path("out")
    """Where."""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which tracebacks are kept."""
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def fails(_config: Config) -> None:
    """Fail in somebody else's code, as called by ours."""
    dataset.open_data(None)  # type: ignore[arg-type]


def test_one_message_with_where_the_traceback_is(kept: Path, capfd) -> None:
    assert cli.main(Config, fails, ["--out", "there"]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: An error that was not foreseen ended the command. ")
    assert "Traceback (most recent" not in said
    assert len(said.splitlines()) == 1
    (file,) = kept.iterdir()
    assert f"The traceback is in {file}." in said
    assert re.search(r"(Type|Attribute)Error: .*; raised in line \d+ of edgepress/data/", said)
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert "in fails" in text
    assert "--out there" in text


def test_a_library_says_much_on_many_lines_and_the_message_is_one(kept: Path, capfd) -> None:
    def run(_config: Config) -> None:
        raise RuntimeError("first\nsecond " + "x" * 9999)

    assert cli.main(Config, run, []) == 1
    said = capfd.readouterr().err
    assert "RuntimeError: first second x" in said
    assert len(said) < 1200
    assert "x" * 9999 in next(kept.iterdir()).read_text()


def test_where_no_file_can_be_written_the_traceback_is_said(monkeypatch, capfd) -> None:
    def full(*_words: object, **_options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    assert cli.main(Config, fails, []) == 1
    said = capfd.readouterr().err
    assert "could not be written to a file, so it stands here" in said
    assert "Traceback (most recent call last)" in said


def test_what_is_foreseen_ends_as_before(kept: Path) -> None:
    def run(_config: Config) -> None:
        raise GateFailed("low")

    assert cli.main(Config, run, []) == 3
    assert not list(kept.iterdir())


@pytest.mark.parametrize(("error", "noted"), [(ValueError("x"), True), (GateFailed("x"), False)])
def test_a_recipe_says_in_which_step_it_was(
    error: Exception, noted: bool, kept: Path, monkeypatch, capfd
) -> None:
    def stage_fails(_config: Config) -> None:
        raise error

    made_up = type("Stage", (), {"run": staticmethod(stage_fails)})
    monkeypatch.setattr(running, "_stage", lambda _step: made_up)
    monkeypatch.setattr(running, "_config", lambda _step, _place: Config())
    step, place = Step(name="smaller", stage="compress.prune"), Place("elpv", kept, False)
    code = cli.main(Config, lambda _config: running.run_step(step, place), [])
    said = capfd.readouterr().err
    assert code == (1 if noted else 3)
    assert ("It was in step smaller. ValueError: x; raised in line" in said) is noted
