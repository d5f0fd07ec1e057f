"""Options that tyro cannot read end in one message, like every other error."""

import sys

import pytest

from edgepress.core import misread
from edgepress.core.errors import UserError

WRONG = {
    ("--threads", "two"): "Error parsing --threads: invalid literal for int() with base 10: 'two'. "
    "Allowed: --threads INT. Next: ",
    ("--threads",): "Missing value for argument '--threads'. Expected 1 values. Next: ",
    ("--thredas", "2"): "Unrecognized options: --thredas, 2. Next: did you mean --threads?",
    ("--no-such",): "Unrecognized options: --no-such. Next: ",
    ("--threads", "0"): "Bad options. --threads: Input should be greater than or equal to 1 "
    "(got: 0)",
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
@pytest.mark.parametrize("columns", [40, 200])
def test_it_is_one_line(options: tuple[str, ...], columns: int, command, monkeypatch) -> None:
    """However wide the terminal is, in whose width tyro's box is drawn."""
    monkeypatch.setenv("COLUMNS", str(columns))
    done = command("benchmarks.compare", *options)
    assert done.code == 2
    assert done.err.startswith(f"error: {WRONG[options]}")
    assert done.err.count("\n") == 1
    assert not {*"╭│─╰"} & {*done.err}


def test_a_choice_names_all(command) -> None:
    done = command("export.adopt", "--crop", "x")
    assert done.err.startswith("error: invalid choice 'x' for argument '--crop'. Expected one of (")
    assert "'squash'" in done.err
    assert "'center'" in done.err


def test_what_several_kinds_could_be_is_cut(command) -> None:
    done = command("export.adopt", "--image-size", "a")
    assert "could be instantiated from ['a']. Allowed: --image-size" in done.err
    assert "Got errors" not in done.err


def test_a_box_without_letters_of_its_own_or_in_colour() -> None:
    plain = "+- Error -+\n| No --x  |\n| ------- |\n| me --help |\n+---------+\n"
    assert str(misread.refusal(plain, "me")) == "No --x. Next: me --help"
    coloured = plain.replace("No", "\x1b[1;31mNo\x1b[0m")
    assert str(misread.refusal(coloured, "me")) == "No --x. Next: me --help"


def test_what_is_said_by_the_way_and_the_help_come_through(capfd, command) -> None:
    with misread.in_one_message("me"):
        print("a remark", file=sys.stderr)
    assert capfd.readouterr().err == "a remark\n"
    done = command("benchmarks.compare", "--help")
    assert (done.code, done.err) == (0, "")
    assert "--threads INT" in done.out


def test_another_end_of_tyro_is_left(capfd) -> None:
    with pytest.raises(SystemExit), misread.in_one_message("me"):
        raise SystemExit(0)
    with pytest.raises(UserError, match="Next: me --help"), misread.in_one_message("me"):
        raise SystemExit(2)
    assert capfd.readouterr() == ("", "")
