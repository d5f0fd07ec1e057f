"""What a recipe states of its variables, and what a file made elsewhere does not say."""

from pathlib import Path

import pytest

from compress.planning.options import Config
from compress.planning.plan import plan
from compress.planning.starting import adoption
from compress.recipes import reading, running
from compress.recipes.running import Place
from edgepress.core import place
from edgepress.core.errors import UserError


def test_a_value_that_no_variable_takes_is_refused(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('recipe = "default"\n[values]\nimage_sise = 48\n')
    with pytest.raises(UserError, match=r"\[values\] of .*mine.toml.*did you mean 'image_size'"):
        plan(Config(recipe=file, out=tmp_path / "out"))


def test_one_command_at_a_time_works_in_a_folder(tmp_path: Path, command):
    out = tmp_path / "runs" / "out"
    with place.occupied(out):
        done = command("compress.__main__", "--data", tmp_path / "nowhere", "--out", out)
    assert done.code == 2
    assert f"Another command is making the same output at this moment. Got: {out}." in done.err
    after = command("compress.__main__", "--data", tmp_path / "nowhere", "--out", out)
    assert "nowhere" in after.err, "it is let in again"
    assert not list((tmp_path / "runs").iterdir()), "what was refused leaves nothing"


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (
            UserError("No usual way", next_step="say it (--mean 0.4 --std 0.2), or --data D"),
            ". --mean, --std: an option of python -m export.adopt --model a.onnx --data photos "
            "--out DIR, whose artifact goes on here with --model DIR",
        ),
        (UserError("The network does not take one image", next_step="export it anew"), ""),
    ],
)
def test_options_of_another_command_are_said_to_be(monkeypatch, said: UserError, more: str):
    def refuse(*_: object) -> None:
        raise said

    monkeypatch.setattr(running, "run_step", refuse)
    where, text = Place("photos", Path("out"), skip_bad_images=False), str(said)
    values = {"model": "a.onnx", "origin": "file", "trust": False, "teacher_gates": []}
    with pytest.raises(UserError) as refused:
        adoption.adopted(reading.read(Path("default")), values, where)
    assert str(refused.value) == text + more
