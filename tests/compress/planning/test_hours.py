"""The hours: epochs that fit, the last training gets what is left, more of them go on."""

from pathlib import Path

import pytest

from compress.planning.facts import Choice
from compress.planning.hours import schedule, stored
from compress.planning.hours.going_on import kept
from compress.planning.hours.pace import EPOCHS, LAST_TRAINING, PRUNING, Keeper
from compress.planning.hours.schedule import Costs, epochs
from compress.planning.hours.stored import Ledger
from compress.recipes.steps import Step
from edgepress.core.errors import UserError

COSTS = Costs(fixed_s=600, teacher_epoch_s=60, prune_epoch_s=50, student_epoch_s=40)


@pytest.mark.parametrize("hours", [0.25, 1, 3])
@pytest.mark.parametrize("teacher_s", [60.0, 0.0])
def test_the_time_is_used_and_not_exceeded(hours: float, teacher_s: float) -> None:
    costs = Costs(600, teacher_s, 50, 40)
    found = epochs(hours, costs)
    assert found.seconds(costs) <= 3600 * hours
    assert found.seconds(costs) > 3600 * hours - costs.student_epoch_s
    assert (found.teacher == 0) == (teacher_s == 0)
    assert found.student >= found.prune >= 1


def test_the_hours_say_nothing_of_a_training_that_there_is_not() -> None:
    found = epochs(1, Costs(600, 0, 50, 40)).choices(1)
    assert [one.name for one in found] == ["prune_epochs", "student_epochs"]


def test_too_few_hours_for_an_epoch_of_each_are_refused_with_those_that_are_enough() -> None:
    with pytest.raises(UserError, match=r"at least --hours 0\.21"):
        epochs(0.1, COSTS)
    found = epochs(0.21, COSTS)
    assert (found.teacher, found.prune, found.student) == (1, 1, 1)


def test_endless_hours_do_not_train_for_ever() -> None:
    assert epochs(1000, COSTS).student == schedule.MOST_EPOCHS


STEPS = (
    Step(name="teacher", stage="compress.train"),
    Step(name="pruned", stage=PRUNING, options={"epochs": 4}),
    Step(name="student", stage=LAST_TRAINING, options={"epochs": 10}),
    Step(name="student-int8", stage="export.onnx"),
)


def ledger(**changed: object) -> Ledger:
    return Ledger(
        key="k", hours=1, choices=(Choice(name=EPOCHS, value=10, reason="r"),),
        expected_s={"teacher": 1000, "pruned": 200, "student": 400, "student-int8": 100,
                    "report": 60, "bundle": 40},
        epoch_s={LAST_TRAINING: 40},
    ).model_copy(update=changed)  # fmt: skip


def keeper(folder: Path, **changed: object) -> Keeper:
    return Keeper(folder, ledger(**changed), STEPS)


@pytest.mark.parametrize(
    ("pruned_s", "wanted"),
    [(200, 50), (400, 22), (100, 105), (2000, 1)],
    ids=["as expected", "twice as slow", "twice as fast", "hardly any time left"],
)
def test_the_last_training_gets_what_is_left_at_the_pace_that_was_seen(
    tmp_path: Path, pruned_s: float, wanted: int
) -> None:
    # 3600 - 1200 - pruned - (100 + 60 + 40) seconds, at 40 each times the pace
    one = keeper(tmp_path, seconds={"teacher": 1200.0, "pruned": float(pruned_s)})
    assert one.before(STEPS[2]).options["epochs"] == wanted
    assert one.ledger.value(EPOCHS) == wanted
    assert stored.read(tmp_path) == one.ledger


@pytest.mark.parametrize(
    ("teacher_s", "wanted"), [(1000, 12), (2000, 3)], ids=["as expected", "twice as slow"]
)
def test_pruning_leaves_the_student_its_share_of_what_is_left(
    tmp_path: Path, teacher_s: float, wanted: int
) -> None:
    # 12% of 3600 - teacher - (100 + 60 + 40) seconds, at 24 each times the pace
    one = keeper(
        tmp_path,
        seconds={"teacher": float(teacher_s)},
        epoch_s={LAST_TRAINING: 40, PRUNING: 24},
        choices=(Choice(name="prune_epochs", value=4, reason="r"),),
    )
    assert one.before(STEPS[1]).options["epochs"] == wanted
    assert one.ledger.value("prune_epochs") == wanted
    assert one.before(STEPS[1]) == STEPS[1], "what was decided stays"


def test_what_was_decided_stays_when_the_run_is_stopped(tmp_path: Path) -> None:
    first = keeper(tmp_path, seconds={"teacher": 1200.0, "pruned": 200.0})
    decided = first.before(STEPS[2])
    again = stored.read(tmp_path)
    assert again is not None
    later = Keeper(tmp_path, again.with_seconds("student", 900), STEPS)
    assert later.before(decided) == decided


def test_other_steps_and_runs_without_hours_are_as_planned(tmp_path: Path) -> None:
    assert keeper(tmp_path).before(STEPS[0]) == STEPS[0]
    assert keeper(tmp_path, hours=None).before(STEPS[2]) == STEPS[2]


def test_epochs_that_are_stated_are_not_those_of_the_hours(tmp_path: Path) -> None:
    stated = keeper(tmp_path, choices=(), seconds={"teacher": 1200.0, "pruned": 200.0})
    assert stated.before(STEPS[2]) == STEPS[2]
    assert stated.ledger.value(EPOCHS) is None


def test_work_that_was_there_already_takes_no_time(tmp_path: Path) -> None:
    one, file = keeper(tmp_path), tmp_path / "there"
    file.write_text("x")
    with one.timing("teacher", file):
        pass
    assert "teacher" not in one.ledger.seconds
    with one.timing("pruned", tmp_path / "new"):
        (tmp_path / "new").write_text("x")
    with pytest.raises(KeyboardInterrupt), one.timing("student", tmp_path / "stopped"):
        raise KeyboardInterrupt
    assert set(one.ledger.seconds) == {"pruned", "student"}
    assert stored.read(tmp_path) == one.ledger


def test_a_plan_counts_once(tmp_path: Path) -> None:
    one = keeper(tmp_path)
    one.planned(4.0)
    one.planned(9.0)
    assert one.ledger.seconds == {"plan": 4.0}
    assert one.ledger.spent_s == 4.0
    assert not one.ledger.begun


def test_an_unknown_or_other_plan_is_made_anew(tmp_path: Path, capfd) -> None:
    assert kept(None, "k", 1) is None
    assert not capfd.readouterr().err
    assert kept(ledger(), "other", 1) is None
    assert "not those of the plan at hand" in capfd.readouterr().err
    assert kept(ledger(), "k", 2) is None, "nothing was made yet"
    assert kept(ledger(seconds={"plan": 3.0}), "k", 2) is None, "but the plan"
    (tmp_path / stored.FILE).write_text("{")
    assert stored.read(tmp_path) is None


@pytest.mark.parametrize("hours", [None, 0.5, 1])
def test_as_many_hours_or_fewer_change_nothing(hours: float | None) -> None:
    assert kept(ledger(seconds={"teacher": 1.0}), "k", hours) == ledger(seconds={"teacher": 1.0})


def test_more_hours_before_the_student_has_begun_go_to_the_student(tmp_path: Path) -> None:
    more = kept(ledger(seconds={"teacher": 1200.0, "pruned": 200.0}), "k", 2)
    assert more is not None
    assert more.value(EPOCHS) == 10
    assert Keeper(tmp_path, more, STEPS).before(STEPS[2]).options["epochs"] == 140


def test_more_hours_after_the_student_let_another_go_on_from_it() -> None:
    seconds = {"teacher": 1200.0, "pruned": 200.0, "student": 2000.0}
    more = kept(ledger(seconds=seconds, complete=True), "k", 2)
    assert more is not None
    assert more.value(EPOCHS) == [10, 90], "(7200 - 3400 - 200) / 40"
    assert not more.complete
    assert kept(ledger(seconds=seconds), "k", 1.0001) == ledger(seconds=seconds)
