"""Options of several values: every occurrence counts, and none takes what is another's."""

from typing import Annotated

import pytest
import tyro
from pydantic import BaseModel

from edgepress.core.errors import UserError
from edgepress.core.several import FOLLOWING, Gates, length, merged


class Plain(BaseModel):
    """Without positional words."""

    gate: tuple[str, ...] = ()
    image_size: tuple[int, int] = (1, 1)
    maybe: tuple[int, ...] | None = None
    seed: int = 0


class Named(BaseModel):
    """With positional words."""

    models: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    gate: Gates = ()
    batch: Annotated[tuple[int, ...], FOLLOWING] = ()
    size: tuple[int, int] = (1, 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--seed 3 --gate a", "--seed 3 --gate a"),
        ("--gate a b --seed 3 --gate c", "--seed 3 --gate a b c"),
        ("--gate=a --gate=b=c", "--gate a b=c"),
        ("--image_size 4 6", "--image-size 4 6"),
        ("--maybe 1 --maybe 2", "--maybe 1 2"),
        ("--gate -0.5 -.5 -1 --seed 1", "--seed 1 --gate -0.5 -.5 -1"),
        ("--gate a --maybe 1 --gate b", "--gate a b --maybe 1"),
    ],
)
def test_occurrences_add_up_at_the_end(given: str, expected: str) -> None:
    assert merged(Plain, given.split()) == expected.split()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--gate a one --gate b two", "one two --gate a b"),
        ("one --batch 1 8", "one --batch 1 8"),
        ("--size 4 6 --gate a", "--size 4 6 --gate a"),
    ],
)
def test_beside_positional_words_an_option_takes_one(given: str, expected: str) -> None:
    assert merged(Named, given.split()) == expected.split()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("--gate", "--gate needs a value"),
        ("--gate a --gate --seed 1", "--gate needs a value"),
        ("--image-size", r"leave --image-size out; .*: image_size = \[\]"),
        ("--image-size 1 2 --image_size 3 4", "--image-size is given twice"),
    ],
)
def test_an_occurrence_that_says_nothing_or_too_much_is_refused(given: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        merged(Plain, given.split())


def test_what_was_given_twice_is_told_in_full() -> None:
    with pytest.raises(UserError, match="--image-size 1 2 --image-size 3 4"):
        merged(Plain, ["--image-size", "1", "2", "--image-size", "3", "4"])


def test_lengths() -> None:
    many = float("inf")
    assert [length(field) for field in Plain.model_fields.values()] == [many, 2, many, None]
    assert [length(field) for field in Named.model_fields.values()] == [None, many, many, 2]
