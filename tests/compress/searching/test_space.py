"""What a search may choose: the file that serves, what a user changes of it, what is refused."""

from pathlib import Path

import pytest

from compress.searching import space
from compress.searching.space import read
from edgepress.core.errors import UserError


def test_the_default_serves_and_the_first_trial_is_within_it() -> None:
    found = read(None, ())
    assert {"student", "share", "image_size", "method", "precision", "target"} <= set(found)
    assert all(one.holds(one.start) for one in found.values())
    assert found["share"].told == "0.05 to 0.7, in logarithms"


def test_words_fix_and_narrow_a_dimension() -> None:
    said = ("image_size=160", 'student=["lcnet_050", "pruned"]', "learning_rate=1e-3..2e-3")
    found = read(None, said)
    assert found["image_size"].known == (160,)
    assert found["student"].choices == ("lcnet_050", "pruned")
    rate = found["learning_rate"]
    assert (rate.low, rate.high, rate.log) == (1e-3, 2e-3, False)
    assert rate.option == "distill.learning_rate", "what it sets stays"


def test_a_file_replaces_the_size_of_a_dimension_and_adds_others(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[share]\nlow = 0.2\nhigh = 0.3\n[keep_share]\noption = "distill.hard_share"\nvalue = 0.5\n'
    )
    found = read(file, ())
    assert (found["share"].low, found["share"].log, found["share"].first) == (0.2, False, None)
    assert found["share"].when == {"student": ("pruned",)}
    assert found["keep_share"].option == "distill.hard_share"


@pytest.mark.parametrize(
    ("table", "said", "message"),
    [
        ("[share]\nchoices = []", (), "share of the space is not sound.*choices is empty"),
        ("[share]\nlow = 0.5\nhigh = 0.1", (), r"low = 0.5 is not below high = 0.1"),
        ("[share]\nlow = 0.1", (), "needs one of value, choices, or low and high"),
        ("[share]\nlow = 0.1\nhigh = 0.5\nvalue = 1", (), "needs one of"),
        ("[share]\nlow = 0.1\nhigh = 0.5\nfirst = 0.6", (), "first = 0.6 is none of its values"),
        ("[shares]\nvalue = 1", (), "Unknown dimension.*did you mean 'share'"),
        ("share = 1", (), "no table"),
        ("[speed]\nvalue = 1\noption = 'distill.sped'", (), "Unknown option of compress.distill"),
        ("[speed]\nvalue = 1\noption = 'teach.epochs'", (), "Unknown stage in the option of speed"),
        ("", ("image_sise=3",), "Unknown dimension of the space.*image_size"),
        ("", ("image_size=3",), "compress.distill does not take a value of image_size.*Got: 3"),
        ("", ("share=0.1..1.5",), "compress.prune does not take a value of share.*Got: 1.5"),
        ("", ("precision=int4",), "Unknown precision.*int8"),
        ("[width]\nvalue = 0.5\nwhen = { students = ['x'] }", (), "Unknown dimension above width"),
        ("[width]\nvalue = 0.5\nwhen = { student = ['x'] }", (), "width can never be chosen"),
    ],
)
def test_what_is_empty_or_contradicts_itself_is_refused(
    table: str, said: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(table)
    with pytest.raises(UserError, match=message):
        read(file, said)


def test_what_nothing_needs_any_more_is_left_alone() -> None:
    found = read(None, ("student=lcnet_050",))
    assert not found["share"].applies({"student": "lcnet_050"})
    assert read(None, ("student=lcnet_050", "share=0.5"))["share"].known == (0.5,)
    assert found["width"].applies({"student": "lcnet_050"})
    assert not found["width"].applies({"student": space.PRUNED})
