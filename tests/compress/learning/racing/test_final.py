"""The whole training and its control: which of the two is the student."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import races

from benchmarks.report import lessons
from benchmarks.statistics.estimate import Estimate
from compress.learning.racing import final
from compress.learning.racing.choosing import MethodOptions
from compress.learning.racing.race import Race
from compress.learning.teaching import Teaching
from compress.learning.training import Fitted
from edgepress.core.distillation import Distillation, Gain

AUTO = MethodOptions()


@pytest.fixture
def trained(monkeypatch) -> list[tuple[str, int]]:
    """Train nothing, but note the folder and the epochs of each training."""
    estimate = Estimate(0.02, 0.01, 50, 100, 50, 0.5, (-1.0, 1.0))
    monkeypatch.setattr(final.paired, "map_drop", lambda candidate, reference: estimate)
    return races.untrained(monkeypatch)


def ended(options: MethodOptions, race: Race) -> tuple[Fitted, Distillation]:
    """Return the student and how it was taught, with what its teacher gave on test images."""
    kept = final.trained(options, race)
    result = race.scorer.evaluated(kept.fitted.network, "test", "student")
    return kept.fitted, final.judged(race, kept, result)


def whole(trained: list[tuple[str, int]]) -> list[str]:
    return [name for name, epochs in trained if epochs == 40]


def test_a_student_that_is_better_than_its_control_is_kept(tmp_path, trained):
    race = races.race(tmp_path, feature_maps=0.6, student=0.7, control=0.69)
    fitted, how = ended(AUTO, race)
    assert (fitted.network.name, how.method) == ("student", "feature-maps")
    assert how.gain == Gain(control_map=0.69, value=0.02, ci95=how.gain.ci95)
    assert whole(trained) == ["student", "control"]


def test_a_control_that_is_better_on_validation_is_the_student(tmp_path, trained, capsys):
    race = races.race(tmp_path, feature_maps=0.6, student=0.7, control=0.71)
    fitted, how = ended(AUTO, race)
    assert (fitted.network.name, how.method) == ("control", "none")
    assert "0.700 on validation, the same student alone 0.710" in how.reason
    assert how.gain is not None, "what was compared is stored"
    assert "goes on without its teacher" in capsys.readouterr().err


def test_who_wins_without_a_teacher_is_not_trained_twice(tmp_path, trained):
    race = races.race(tmp_path, none=0.6, student=0.7)
    fitted, how = ended(AUTO, race)
    assert (how.method, how.gain, fitted.network.name) == ("none", None, "student")
    assert whole(trained) == ["student"]


def test_a_method_that_is_given_is_held_against_a_control_on_request(tmp_path, trained):
    race = races.race(tmp_path, student=0.7, control=0.71)
    fitted, how = ended(MethodOptions(method="bckd"), race)
    assert (how.method, how.gain, whole(trained)) == ("bckd", None, ["student"])
    fitted, how = ended(MethodOptions(method="bckd", control=True), race)
    assert how.gain.control_map == 0.71
    assert (how.method, fitted.network.name) == ("bckd", "student"), "what was asked for is kept"


def test_options_of_the_loss_are_a_method_that_is_given(tmp_path, trained):
    race = replace(races.race(tmp_path), settings=Teaching(epochs=40, temperature=2))
    _, how = ended(AUTO, race)
    assert (how.method, trained) == ("stated", [("student", 40)])


def test_no_epoch_has_no_race_and_no_control(tmp_path, trained):
    race = replace(races.race(tmp_path), settings=Teaching(epochs=0))
    for options in (AUTO, MethodOptions(method="bckd", control=True)):
        _, how = ended(options, race)
        assert (how.method, how.reason, how.gain) == ("none", "no epoch", None)
    assert trained == [("student", 0)] * 2


def test_without_validation_images_nothing_is_compared(tmp_path, trained, capsys):
    _, how = ended(AUTO, races.race(tmp_path, known=False))
    assert (how.method, how.gain, whole(trained)) == ("feature-maps", None, ["student"])
    assert "by feature-maps: the validation part has no label" in capsys.readouterr().err
    asked = races.race(tmp_path / "asked", known=False, student=None, control=0.5)
    fitted, how = ended(MethodOptions(control=True), asked)
    assert (fitted.network.name, how.gain.control_map) == ("student", 0.5)
    assert "mAP on validation" not in capsys.readouterr().err


def test_options_that_leave_the_labels_alone_have_no_teacher_and_no_control(tmp_path, trained):
    alone = Teaching(epochs=40, hard_share=1.0, feature_weight=0.0)
    race = replace(races.race(tmp_path), settings=alone)
    _, how = ended(MethodOptions(control=True), race)
    assert (how.method, how.reason) == ("none", "options of the loss are given")
    assert whole(trained) == ["student"]


@pytest.mark.parametrize(("student", "control"), [(0.7, 0.6), (0.6, 0.7)])
def test_the_verdict_is_said_once_and_as_the_report_says_it(
    tmp_path, trained, capsys, student, control
):
    race = races.race(tmp_path, feature_maps=0.6, student=student, control=control)
    _, how = ended(AUTO, race)
    said, verdict = capsys.readouterr().err, lessons.verdict(how)
    assert said.count(verdict) == 1
    assert said.lower().count("helped") == verdict.lower().count("helped") == (student > control)
    assert ("goes on without its teacher" in said) == (how.method == "none") == (student < control)


def test_each_network_is_evaluated_on_the_test_part_once(tmp_path, trained, monkeypatch):
    """The student at the end of the stage, and what it is held against here."""
    asked: list[tuple[str, str]] = []
    once = races.Scorer.evaluated

    def evaluated(self, network, part: str, name: str) -> SimpleNamespace:
        asked.append((part, getattr(network, "name", name)))
        return once(self, network, part, name)

    monkeypatch.setattr(races.Scorer, "evaluated", evaluated)
    for number, (control, held_against) in enumerate(((0.6, "control"), (0.8, "student"))):
        race = races.race(tmp_path / str(number), student=0.7, control=control)
        asked.clear()
        kept = final.trained(AUTO, race)
        final.judged(race, kept, SimpleNamespace(map=0.5))
        assert [name for part, name in asked if part == "test"] == [held_against]
