"""The worst that a command has found is its exit code, and every reason of it is told once."""

import pytest

from edgepress.core import ending
from edgepress.core.ending import Finding
from edgepress.core.errors import GateFailed, GateUndecided
from edgepress.core.gates import Verdict

PASS, OPEN, FAIL = (Finding(kind, f"is {kind}") for kind in ("pass", "inconclusive", "fail"))


@pytest.mark.parametrize(
    ("found", "error", "code", "told"),
    [
        ([PASS, OPEN, FAIL], GateFailed, 3, "is fail"),
        ([FAIL, OPEN, PASS], GateFailed, 3, "is fail"),
        ([PASS, OPEN, OPEN], GateUndecided, 4, "is inconclusive"),
        ([FAIL, Finding("fail", "b"), OPEN, FAIL], GateFailed, 3, "is fail; b"),
    ],
)
def test_the_worst_decides_whatever_the_order(found, error, code: int, told: str) -> None:
    with pytest.raises(error) as caught:
        ending.end_by(iter(found))
    assert (str(caught.value), caught.value.exit_code) == (told, code)


def test_what_passes_ends_with_nothing() -> None:
    assert ending.end_by([PASS, PASS]) is None
    assert ending.end_by([]) is None


def test_a_verdict_keeps_its_outcome_and_says_whose_it_is() -> None:
    one = Verdict(
        gate="map >= 0.9", against=None, outcome="fail", measured=0.5, margin=-0.4, reason="low"
    )
    assert ending.of([one]) == (Finding("fail", "map >= 0.9: low"),)
    assert ending.of([one], "train") == (Finding("fail", "train: map >= 0.9: low"),)


def test_an_error_of_a_step_is_a_finding_of_its_kind() -> None:
    assert ending.of_error(GateFailed("low"), "train") == Finding("fail", "train: low")
    assert ending.of_error(GateUndecided("?"), "train") == Finding("inconclusive", "train: ?")


def test_the_worst_outcome_is_found_whatever_holds_them() -> None:
    assert ending.worst(iter(["inconclusive", "pass"])) == "inconclusive"
    assert ending.worst(iter(["inconclusive", "fail"])) == "fail"
    assert ending.worst(iter([])) == "pass"


@pytest.mark.parametrize(("outcome", "error"), [("fail", GateFailed), ("pass", None)])
def test_verdicts_end_a_command(outcome, error) -> None:
    one = Verdict(
        gate="map >= 0.9", against=None, outcome=outcome, measured=0.5, margin=0, reason="so"
    )
    if error is None:
        assert ending.require((one,)) is None
    else:
        with pytest.raises(error, match=r"map >= 0\.9: so"):
            ending.require((one,))
