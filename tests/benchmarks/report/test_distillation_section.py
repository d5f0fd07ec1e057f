"""How a student was taught in the page and in Markdown, where one was."""

import re
from html import unescape

import pytest

from benchmarks.report import lessons
from benchmarks.report.markdown import markdown
from benchmarks.report.page import fragment
from benchmarks.report.schema import Report
from benchmarks.report.sections import distillation
from edgepress.core.distillation import Distillation, Gain, HeatResult

HEATS = (
    HeatResult(method="none", epochs=1, map=0.31),
    HeatResult(method="soft-labels", epochs=1, map=0.4321),
)
RACED = Distillation(
    method="soft-labels",
    reason="the best on validation after 1 epoch",
    teacher_map=0.8,
    start_map=0.25,
    heats=HEATS,
    gain=Gain(control_map=0.7, value=0.021, ci95=(0.004, 0.038)),
)


def with_lessons(report: Report, how: Distillation | None) -> Report:
    """Return the report with its second model taught in a way."""
    models = list(report.models)
    models[1] = models[1].model_copy(update={"distillation": how})
    return report.model_copy(update={"models": tuple(models)})


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_race_and_the_gain_are_in_both(full: Report):
    taught = with_lessons(full, RACED)
    page, text = words(fragment(distillation, taught)), markdown(taught)
    for part in ("soft-labels", "none", "0.310", "0.432", "teacher 0.800"):
        assert part in page, part
        assert part in text, part
    assert "Distillation helped: +2.1 points of mAP, +0.4 to +3.8" in page
    assert "| soft-labels | 1 | 0.432 |" in text


def test_nothing_is_shown_where_nobody_was_taught(full: Report, minimal: Report):
    assert distillation.shown(full)
    assert "How students learnt" in markdown(full)
    assert not distillation.shown(minimal)
    assert "How students learnt" not in markdown(minimal)


@pytest.mark.parametrize(
    ("ci95", "said"),
    [
        ((0.001, 0.02), "Distillation helped"),
        ((-0.02, -0.001), "Distillation did harm"),
        ((-0.01, 0.02), "is not certified"),
        ((0.0, 0.02), "is not certified"),
    ],
)
def test_only_what_is_certified_is_said_to_have_helped(full: Report, ci95, said: str):
    gain = Gain(control_map=0.5, value=sum(ci95) / 2, ci95=ci95)
    how = RACED.model_copy(update={"gain": gain})
    assert said in lessons.summary(with_lessons(full, how).models[1])


def test_a_gain_is_not_said_of_the_control_that_was_kept(full: Report):
    how = RACED.model_copy(update={"method": "none"})
    kept = lessons.summary(with_lessons(full, how).models[1])
    assert "The student that had a teacher was not kept (on the test images +2.1 points" in kept
    assert "helped" not in kept, "nobody learnt from that teacher"
    assert "not kept" not in lessons.summary(with_lessons(full, RACED).models[1])


def test_without_a_control_nothing_is_said_to_have_helped(full: Report):
    how = RACED.model_copy(update={"gain": None})
    assert "it is not known whether" in lessons.summary(with_lessons(full, how).models[1])


def test_a_training_that_failed_says_why_in_the_table(full: Report):
    failed = HeatResult(method="fitnets", epochs=1, map=0, fault="The loss is not finite")
    how = RACED.model_copy(update={"heats": (failed, *HEATS)})
    assert "| fitnets | 1 | The loss is not finite |" in markdown(with_lessons(full, how))
