"""Before any work: a gate that could only fail is refused, and every other one is not."""

import pytest
from verdicts import KNOWN

from benchmarks.gates import checks, verdicts
from benchmarks.gates.checks import Scene, compared, exported, needs_reference
from edgepress.core.errors import UserError

ALL = checks.measured()


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("map >= 0.9", False),
        ("agreement >= 0.9", True),
        ("map drop <= 0.1", True),
        ("map >= 0.9 vs old", True),
        ("size ratio <= 0.5", True),
    ],
)
def test_who_compares_needs_another_model(text: str, needs: bool) -> None:
    gate = verdicts.parse(text)
    assert needs_reference(gate) is needs
    alone = Scene(ALL, references=())
    if needs:
        with pytest.raises(UserError, match="compares with another model, and here is none"):
            checks.require_decidable([gate], alone)
    else:
        checks.require_decidable([gate], alone)
    checks.require_decidable([gate], Scene(ALL))
    checks.require_decidable([gate], Scene(ALL, references=("old",)))


def test_the_named_one_must_be_there() -> None:
    gate = verdicts.parse("map drop <= 0.1 vs old")
    with pytest.raises(UserError, match="Unknown model to compare with in the gate 'map drop"):
        checks.require_decidable([gate], Scene(ALL, references=("new", "older")))


def test_a_label_must_be_there_and_is_not_asked_where_none_is_known() -> None:
    gate = verdicts.parse("ap[a] >= 0.5")
    checks.require_decidable([gate], Scene(ALL, labels=("a", "b")))
    checks.require_decidable([gate], Scene(ALL))
    checks.require_decidable([verdicts.parse("map >= 0.5")], Scene(ALL, labels=("b",)))
    with pytest.raises(UserError, match="Unknown label in the gate 'ap"):
        checks.require_decidable([gate], Scene(ALL, labels=("b", "c")))


def test_every_gate_is_looked_at() -> None:
    fine, lost = verdicts.parse("map >= 0.5"), verdicts.parse("latency <= 1")
    with pytest.raises(UserError, match="latency is not measured here") as caught:
        checks.require_decidable([fine, lost], Scene(frozenset({"map", "size"})))
    assert "Allowed: size, map." in str(caught.value) or "Allowed: map, size." in str(caught.value)


def test_what_is_measured_where() -> None:
    assert KNOWN & ALL - compared(timed=True) == {"robust_map"}
    assert KNOWN & compared(timed=True) - compared(timed=False) == {"latency", "peak_rss"}
    assert exported("int8") == compared(timed=True)
    assert KNOWN & exported("int8") - exported("fp32") == {"int8_convs", "float_time", "qdq_nodes"}
    assert "drifting" not in ALL
    assert {"map", "size", "macs"} <= checks.trained()
    assert not {"latency", "parity"} & checks.trained()
