"""The waterfall follows the parents, and says what each stage saved."""

import pytest

from benchmarks.report import format as fmt
from benchmarks.report.page import fragment
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.sections import lineage
from benchmarks.report.waterfall import Quantity, chain, waterfall

SIZE = Quantity("Size", lambda model: model.size_bytes, fmt.size, "smaller", "larger")


def orphaned(report: Report, place: int) -> Report:
    """Return the report with one model whose parent is not part of it."""
    models = list(report.models)
    models[place] = ModelEntry.model_validate(models[place].model_dump() | {"parent": None})
    return report.model_copy(update={"models": tuple(models)})


def test_the_chain_goes_from_the_teacher_to_the_student(full: Report) -> None:
    assert chain(full, 4) == [0, 1, 2, 3, 4]
    assert chain(full, 1) == [0, 1]


def test_the_reference_comes_first_even_if_it_is_no_ancestor(full: Report) -> None:
    assert chain(orphaned(full, 2), 4) == [0, 2, 3, 4]


def test_a_circle_of_parents_ends(full: Report) -> None:
    models = list(full.models)
    models[0] = ModelEntry.model_validate(models[0].model_dump() | {"parent": full.models[4].name})
    circle = full.model_copy(update={"models": tuple(models)})
    assert chain(circle, 4) == [0, 1, 2, 3, 4]


def test_bars_float_between_before_and_after(full: Report) -> None:
    found = waterfall(full, [0, 1], SIZE)
    (total,), (after, saved) = (bar.marks for bar in found.bars)
    assert total.width == 100
    assert saved.left == after.width
    assert after.width + saved.width == pytest.approx(100)
    assert found.change == "1.96× smaller"
    two = full.model_copy(update={"models": full.models[:2]})
    assert "1.96× smaller in all" in fragment(lineage, two)


def test_a_stage_that_was_not_timed_is_said_and_skipped(full: Report) -> None:
    page = fragment(lineage, full)
    latency = page[page.index("Latency, cpu, 1 thread") :]
    assert latency.count("not measured") >= 2
    assert "7.27× faster" in latency


def test_growth_is_marked(full: Report) -> None:
    grown, shrunk = (waterfall(full, places, SIZE).bars[1].marks[1] for places in ([1, 0], [0, 1]))
    assert (grown.kind, shrunk.kind) == ("delta added", "delta saved")
