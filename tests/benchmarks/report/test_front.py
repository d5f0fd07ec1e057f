"""The Pareto front, and the reasons for what is not on it."""

import pytest
import report_sample
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report.front import Cost, front
from benchmarks.report.page import fragment
from benchmarks.report.panels import panels
from benchmarks.report.schema import GateEntry, ModelEntry, Report
from benchmarks.report.sections import trade_off

FAILED = GateEntry(
    gate="map drop <= 0.01", against=None, measured=0.2, ci95=None, verdict="fail", reason="No."
)


def report(base: Report, maps: list[float], failed: tuple[int, ...] = ()) -> Report:
    """Return a report of models with these mAPs, called a, b, c, ..."""
    models = [
        ModelEntry.model_validate(
            base.models[0].model_dump()
            | {"name": chr(97 + place), "map": value, "map_ci95": None, "latency_s": {}}
            | {"gates": [FAILED] if place in failed else []}
        )
        for place, value in enumerate(maps)
    ]
    return base.model_copy(update={"models": tuple(models)})


def cost(*values: float) -> Cost:
    return Cost(dict(enumerate(values)), "faster", "as fast")


def test_a_model_that_another_beats_is_set_aside_with_the_reason(minimal: Report) -> None:
    found = front(report(minimal, [0.9, 0.8, 0.85]), cost(5, 4, 1))
    assert found.places == (2, 0)
    assert found.aside == {1: "c is faster and more accurate"}


def test_the_reason_is_exact_where_one_of_the_two_is_equal(minimal: Report) -> None:
    found = front(report(minimal, [0.9, 0.8, 0.9]), cost(5, 5, 7))
    assert found.aside == {1: "a is as fast and more accurate", 2: "a is faster and as accurate"}


def test_equal_models_are_both_on_the_front(minimal: Report) -> None:
    assert front(report(minimal, [0.9, 0.9]), cost(5, 5)).places == (0, 1)


def test_a_failed_model_is_aside_and_beats_nobody(minimal: Report) -> None:
    found = front(report(minimal, [0.9, 0.95], failed=(1,)), cost(5, 1))
    assert found.places == (0,)
    assert found.aside == {1: "failed the gate map drop <= 0.01"}


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_nothing_beats_the_front_and_the_front_beats_the_rest(
    points: list[tuple[int, int]],
) -> None:
    made = report(report_sample.minimal_report(), [accuracy / 5 for _, accuracy in points])
    found = front(made, cost(*(float(value) for value, _ in points)))

    def beats(one: int, other: int) -> bool:
        (cost_1, map_1), (cost_2, map_2) = points[one], points[other]
        return cost_1 <= cost_2 and map_1 >= map_2 and points[one] != points[other]

    everything = range(len(points))
    assert set(found.places) | set(found.aside) == set(everything)
    assert not any(beats(rival, place) for place in found.places for rival in everything)
    assert all(any(beats(best, place) for best in found.places) for place in found.aside)


def test_the_page_tells_the_reason_without_a_mouse(full: Report) -> None:
    page = fragment(trade_off, full)
    assert "Why models are grey" in page
    assert "is smaller and more accurate" in page


@pytest.mark.parametrize("broken", [float("nan"), None])
def test_a_model_without_map_has_no_point(minimal: Report, broken: float | None) -> None:
    made = report(minimal, [0.9, 0.8])
    models = (made.models[0], made.models[1].model_copy(update={"map": broken}))
    found = front(made.model_copy(update={"models": models}), cost(5, 1))
    assert found.places == (0,)
    assert found.aside == {}


def test_the_budget_is_drawn_where_it_is_near(recommending: Report) -> None:
    by_title = {panel.title: panel for panel in panels(recommending)}
    assert by_title["mAP against latency: cpu, 1 thread"].limits == (0.002,)
    assert by_title["mAP against size"].limits == (3_000_000,)
    assert by_title["mAP against MACs"].limits == ()
    assert fragment(trade_off, recommending).count("budget ") == 3
    far = recommending.recommendation.model_copy(
        update={"budget": ("latency <= 5", "ap[a b] >= 0.8")}
    )
    report = recommending.model_copy(update={"recommendation": far})
    assert [panel.limits for panel in panels(report)] == [()] * 4
    assert "budget " not in fragment(trade_off, report)


def test_models_that_do_as_much_work_have_no_plot_of_it(full: Report) -> None:
    same = [model.model_copy(update={"macs": 5}) for model in full.models]
    titles = [panel.title for panel in panels(full.model_copy(update={"models": tuple(same)}))]
    assert "mAP against MACs" not in titles
    assert len(titles) == 3
