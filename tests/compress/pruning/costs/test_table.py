"""The table tells what networks take that were never measured, where operators obey a formula."""

import random

import fake_times
import numpy as np
import pytest
from fake_times import GROUPS, index, times

from compress.pruning.costs.design import levels
from compress.pruning.costs.groups import Size
from compress.pruning.costs.latency import LatencyTable, table_of
from compress.pruning.costs.operators import Design, operators
from compress.pruning.costs.protocol import Costs
from edgepress.core.errors import UserError


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    variants = index()
    return table_of(variants, times(variants))


def others(n: int, round_to: int = 8) -> list[dict[str, int]]:
    """Return widths that were not measured."""
    drawn = random.Random(5)
    return [{one.name: drawn.choice(levels(one, round_to)) for one in GROUPS} for _ in range(n)]


def test_operators_are_of_the_groups_that_they_vary_with() -> None:
    variants = index()
    found = {one.name: one for one in operators(variants, times(variants))}
    assert set(found) == {"expand 1", "depth 1", "project 1", "Concat_1 1", "Reshape_1 1",
                          "fixed 1", "ReorderOutput 1"}  # fmt: skip
    assert found["expand 1"].kind == "QLinearConv 1x1 dense 1 1,*,7,7 > 1,*,7,7"
    assert found["expand 1"].kind == found["project 1"].kind != found["depth 1"].kind
    assert found["expand 1"].reads == Size(whole=64, by={"stem": 1})
    assert found["expand 1"].makes == Size(whole=240, by={"body": 1})
    assert found["Concat_1 1"].makes == Size(whole=104, by={"stem": 1, "tail": 1})
    assert found["Reshape_1 1"].makes == Size(whole=49 * 40, by={"tail": 49})
    assert found["fixed 1"].reads == Size(whole=1, by={})
    rows = [row for row, file in enumerate(variants.files) if file.widths["tail"] % 16]
    assert np.flatnonzero(found["ReorderOutput 1"].seconds).tolist() == rows


def test_a_size_that_no_layer_has_is_fitted() -> None:
    widths = [{"a": 64 - 8 * row, "b": 32 + 8 * (row * row % 5)} for row in range(8)]
    design = Design.of({"a": 64, "b": 64}, widths, ())
    values = np.array([3 * one["a"] + one["b"] + 5 for one in widths], float)
    assert design.at(design.found(values, range(8))) == pytest.approx(values)


def test_the_formula_is_reproduced_at_widths_that_were_never_measured(table: LatencyTable) -> None:
    for widths in others(40):
        assert table.total(widths) == pytest.approx(fake_times.seconds(widths), rel=1e-3)
    whole = {group.name: group.width for group in GROUPS}
    assert table.total({}) == table.total(whole) == pytest.approx(fake_times.seconds(whole))


def test_it_answers_as_costs_do(table: LatencyTable) -> None:
    costs: Costs = table
    assert costs.unit == "s"
    with pytest.raises(UserError, match=r"Unknown group of channels.*bodi.*'body'"):
        costs.total({"bodi": 8})


def test_fewer_channels_never_take_longer_in_whole_blocks(table: LatencyTable) -> None:
    for name, whole in (("stem", 64), ("body", 240)):
        taken = [table.total({name: width}) for width in range(16, whole + 1, 16)]
        assert taken == sorted(taken)


def test_networks_are_predicted_by_tables_without_them(table: LatencyTable) -> None:
    first, second, *rest = table.networks
    assert first.predicted_s is None
    assert second.predicted_s is None
    assert all(one.error is not None and one.error < 0.01 for one in rest)
    assert table.errors == (np.median([one.error for one in rest]), max(r.error for r in rest))


def test_an_error_of_a_network_does_not_predict_itself() -> None:
    variants = index()
    found = times(variants)
    slow = variants.files[4].name
    visits = tuple(v.model_copy(update={"plain_s": 2 * v.plain_s}) if v.file == slow else v
                   for v in found.visits)  # fmt: skip
    table = table_of(variants, found.model_copy(update={"visits": visits}))
    assert table.networks[4].error == pytest.approx(0.5, abs=0.03)


def test_the_speed_of_the_machine_while_a_file_ran_does_not_matter() -> None:
    variants = index()
    steady, shaken = times(variants), times(variants, (1, 1, 3, 9, 0.5))
    drawn = random.Random(0)
    visits = [one.model_copy(update={"plain_s": speed * one.plain_s, "reference_s": tuple(
        speed * each for each in one.reference_s)}) for one in shaken.visits
        if (speed := drawn.uniform(1, 9))]  # fmt: skip
    shaken = shaken.model_copy(update={"visits": tuple(visits)})
    ratio = shaken.reference_s / steady.reference_s
    names = [file.name for file in variants.files]
    assert shaken.networks_s(names) == pytest.approx(ratio * steady.networks_s(names))
    assert shaken.nodes_s(names[0]) == pytest.approx(ratio * steady.nodes_s(names[0]))


def test_an_operator_that_is_slower_in_a_larger_network_is_seen() -> None:
    """Whole networks take the sum of their operators to the power of 1.3, in milliseconds."""
    variants = index()
    found = times(variants, (1, 1, 1))
    visits = tuple(one.model_copy(update={"plain_s": slowed(one.plain_s)}) for one in found.visits)
    steady = found.model_copy(update={"visits": visits})
    table = table_of(variants, steady)
    errors = [abs(table.total(one) / slowed(fake_times.seconds(one)) - 1) for one in others(40)]
    assert np.median(errors) < 0.03
    assert max(errors) < 0.08


def slowed(seconds: float) -> float:
    return 1e-3 * (seconds / 1e-3) ** 1.3


def test_a_table_is_the_same_when_it_is_read_again(table: LatencyTable) -> None:
    again = LatencyTable.model_validate_json(table.model_dump_json())
    assert again == table
    assert again.total({"body": 96}) == table.total({"body": 96})
