"""The whole training and its control: which of the two is the student."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import races

from benchmarks.statistics.estimate import Estimate
from compress.learning.racing import final
from compress.learning.racing.choosing import MethodOptions
from compress.learning.teaching import Teaching
from edgepress.core.distillation import Gain

AUTO = MethodOptions()


@pytest.fixture
def trained(monkeypatch) -> list[tuple[str, int]]:
    """Train nothing, but note the folder and the epochs of each training."""
    estimate = Estimate(0.02, 0.01, 50, 100, 50, 0.5, (-1.0, 1.0))
    monkeypatch.setattr(final.paired, "map_drop", lambda candidate, reference: estimate)
    return races.untrained(monkeypatch)


def whole(trained: list[tuple[str, int]]) -> list[str]:
    return [name for name, epochs in trained if epochs == 40]


def test_a_student_that_is_better_than_its_control_is_kept(tmp_path, trained):
    race = races.race(tmp_path, feature_maps=0.6, student=0.7, control=0.69)
    fitted, how = final.trained(AUTO, race)
    assert (fitted.network.name, how.method) == ("student", "feature-maps")
    assert how.gain == Gain(control_map=0.69, value=0.02, ci95=how.gain.ci95)
    assert whole(trained) == ["student", "control"]


def test_a_control_that_is_better_on_validation_is_the_student(tmp_path, trained, capsys):
    race = races.race(tmp_path, feature_maps=0.6, student=0.7, control=0.71)
    fitted, how = final.trained(AUTO, race)
    assert (fitted.network.name, how.method) == ("control", "none")
    assert "0.700 on validation, the same student alone 0.710" in how.reason
    assert how.gain is not None, "what was compared is stored"
    assert "goes on without its teacher" in capsys.readouterr().err


def test_who_wins_without_a_teacher_is_not_trained_twice(tmp_path, trained):
    race = races.race(tmp_path, none=0.6, student=0.7)
    fitted, how = final.trained(AUTO, race)
    assert (how.method, how.gain, fitted.network.name) == ("none", None, "student")
    assert whole(trained) == ["student"]


def test_a_method_that_is_given_is_held_against_a_control_on_request(tmp_path, trained):
    race = races.race(tmp_path, student=0.7, control=0.71)
    fitted, how = final.trained(MethodOptions(method="bckd"), race)
    assert (how.method, how.gain, whole(trained)) == ("bckd", None, ["student"])
    fitted, how = final.trained(MethodOptions(method="bckd", control=True), race)
    assert how.gain.control_map == 0.71
    assert (how.method, fitted.network.name) == ("bckd", "student"), "what was asked for is kept"


def test_options_of_the_loss_are_a_method_that_is_given(tmp_path, trained):
    race = replace(races.race(tmp_path), settings=Teaching(epochs=40, temperature=2))
    _, how = final.trained(AUTO, race)
    assert (how.method, trained) == ("stated", [("student", 40)])


def test_no_epoch_has_no_race_and_no_control(tmp_path, trained):
    race = replace(races.race(tmp_path), settings=Teaching(epochs=0))
    for options in (AUTO, MethodOptions(method="bckd", control=True)):
        _, how = final.trained(options, race)
        assert (how.method, how.reason, how.gain) == ("none", "no epoch", None)
    assert trained == [("student", 0)] * 2


def test_without_validation_images_nothing_is_compared(tmp_path, trained, capsys):
    _, how = final.trained(AUTO, races.race(tmp_path, known=False))
    assert (how.method, how.gain, whole(trained)) == ("feature-maps", None, ["student"])
    assert "by feature-maps: the validation part has no label" in capsys.readouterr().err
    asked = races.race(tmp_path / "asked", known=False, student=None, control=0.5)
    fitted, how = final.trained(MethodOptions(control=True), asked)
    assert (fitted.network.name, how.gain.control_map) == ("student", 0.5)
    assert "mAP on validation" not in capsys.readouterr().err


def test_options_that_leave_the_labels_alone_have_no_teacher_and_no_control(tmp_path, trained):
    alone = Teaching(epochs=40, hard_share=1.0, feature_weight=0.0)
    race = replace(races.race(tmp_path), settings=alone)
    _, how = final.trained(MethodOptions(control=True), race)
    assert (how.method, how.reason) == ("none", "options of the loss are given")
    assert whole(trained) == ["student"]


@pytest.mark.parametrize(
    ("ci95", "said"),
    [((0.001, 0.02), "helped"), ((-0.02, -0.001), "did harm"), ((-0.01, 0.02), "is not shown")],
)
def test_only_what_is_certified_is_said(ci95, said: str):
    gain = SimpleNamespace(helped=ci95[0] > 0, harmed=ci95[1] < 0)
    assert final.verdict(gain).startswith(said)
    assert final.verdict(Gain(control_map=0.5, value=0.0, ci95=ci95)).startswith(said)
