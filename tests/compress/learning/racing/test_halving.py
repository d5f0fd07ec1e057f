"""How a race is cut down to its budget, and who goes on."""

import pytest

from compress.learning.racing.halving import Heat, heats, run


@pytest.mark.parametrize(
    ("entries", "epochs", "share", "expected"),
    [
        (4, 32, 0.25, [(4, 1), (2, 2)]),  # 4 + 2 * 2 = 8
        (4, 139, 0.25, [(4, 4), (2, 8)]),  # 34 // 8 = 4
        (5, 76, 0.25, [(5, 1), (3, 2), (2, 4)]),  # 5 + 6 + 8 = 19
        (5, 75, 0.25, [(5, 1), (3, 2)]),  # one epoch less than all heats take
        (3, 30, 0.25, [(3, 1), (2, 2)]),
        (4, 16, 0.25, [(4, 1)]),
        (4, 15, 0.25, []),
        (2, 8, 0.25, [(2, 1)]),
        (1, 1000, 1.0, []),
        (4, 1000, 0.0, []),
    ],
)
def test_heats_keep_to_their_share(entries: int, epochs: int, share: float, expected):
    found = heats(entries, epochs, share)
    assert [(heat.entries, heat.epochs) for heat in found] == expected
    assert sum(heat.entries * heat.epochs for heat in found) <= share * epochs


def test_the_better_half_goes_on():
    asked = []

    def score(name: str, epochs: int) -> float:
        asked.append((name, epochs))
        return {"a": 0.1, "b": 0.4, "c": 0.4, "d": 0.3, "e": 0.2}[name] + epochs

    plan = [Heat(5, 1), Heat(3, 2), Heat(2, 4)]
    assert run("abcde", plan, score) == tuple("bcdea"), "of two alike the earlier one"
    assert asked[5:] == [("b", 2), ("c", 2), ("d", 2), ("b", 4), ("c", 4)]


def test_who_is_ahead_can_change():
    scores = {("a", 1): 0.5, ("b", 1): 0.4, ("c", 1): 0.1, ("a", 2): 0.6, ("b", 2): 0.7}
    assert run("abc", [Heat(3, 1), Heat(2, 2)], lambda *key: scores[key]) == ("b", "a", "c")


def test_in_the_place_of_who_fails_the_next_one_goes_on():
    scores = {("a", 1): 0.5, ("b", 1): 0.4, ("c", 1): 0.3, ("a", 2): None, ("b", 2): 0.3}
    plan = [Heat(3, 1), Heat(2, 2), Heat(2, 4)]
    scores |= {("b", 4): 0.2, ("c", 4): 0.6}
    assert run("abc", plan, lambda *key: scores[key]) == ("c", "b")


def test_who_is_left_alone_has_won():
    scores = {("a", 1): None, ("b", 1): 0.4, ("c", 1): None}
    assert run("abc", [Heat(3, 1), Heat(2, 2)], lambda *key: scores[key]) == ("b",)
    assert run("ac", [Heat(2, 1), Heat(2, 2)], lambda *key: scores[key]) == ()
