"""Which method a student learns by, and what is said of its teacher."""

from dataclasses import replace

import pytest
import races
import small_training

from compress.learning import methods
from compress.learning.racing import choosing
from compress.learning.racing.choosing import RACED, UNRACED, MethodOptions
from compress.learning.teaching import Student, Teaching
from edgepress.core.errors import UserError

AUTO = MethodOptions()


@pytest.fixture
def trained(monkeypatch) -> list[tuple[str, int]]:
    """Train nothing, but note the folder and the epochs of each training."""
    return races.untrained(monkeypatch)


def test_the_best_on_validation_is_taken(tmp_path, trained):
    found = choosing.chosen(AUTO, races.race(tmp_path, soft_labels=0.6, none=0.55))
    assert (found.method, found.reason) == ("soft-labels", "the best on validation after 2 epochs")
    assert (found.teacher_map, found.start_map) == (0.8, 0.2)
    assert [name for name, epochs in trained if epochs == 2] == ["soft-labels-2", "none-2"]
    assert [one.method for one in found.heats[-2:]] == ["none", "soft-labels"], "the best is last"
    assert len(trained) == len(found.heats) == 3 + 2


def test_a_killed_race_goes_on(tmp_path, trained):
    first = choosing.chosen(AUTO, races.race(tmp_path, none=0.6))
    trained.clear()
    assert choosing.chosen(AUTO, races.race(tmp_path, none=0.6)) == first
    assert trained == []


def test_the_control_is_always_in_the_race():
    assert "none" in RACED
    assert UNRACED in RACED


def test_a_teacher_no_better_than_the_start_teaches_nothing(tmp_path, trained, capsys):
    found = choosing.chosen(AUTO, races.race(tmp_path, teacher=0.3, start=0.3))
    assert (found.method, trained) == ("none", [])
    assert "train it longer" in capsys.readouterr().err


def test_a_teacher_that_a_short_training_reaches_is_named(tmp_path, trained, capsys):
    choosing.chosen(AUTO, races.race(tmp_path, none=0.8))
    assert "has little to teach (mAP 0.800" in capsys.readouterr().err
    choosing.chosen(AUTO, races.race(tmp_path / "better", none=0.79))
    assert "little to teach" not in capsys.readouterr().err


def test_an_onnx_teacher_teaches_no_features(tmp_path, trained):
    choosing.chosen(AUTO, races.race(tmp_path, features=False))
    assert {name for name, _ in trained} == {"soft-labels-5", "none-5"}
    unknown = races.race(tmp_path / "unknown", features=False, known=False)
    assert choosing.chosen(AUTO, unknown).method == "soft-labels"


def test_the_method_of_maps_is_the_one_that_fits_the_pair(tmp_path, trained, capsys):
    """A network of the teacher's layers, and one that has none of them."""
    choosing.chosen(AUTO, races.race(tmp_path / "alike"))
    assert {name for name, _ in trained} >= {"feature-maps-1", "soft-labels-1", "none-1"}
    assert "methods that race: feature-maps, soft-labels, none\n" in capsys.readouterr().err
    trained.clear()
    other = replace(
        races.race(tmp_path / "other"),
        student=lambda: Student(races.other_network(), small_training.SPEC),
    )
    choosing.chosen(AUTO, other)
    assert {name for name, _ in trained} >= {"fitnets-1", "soft-labels-1", "none-1"}
    assert not [name for name, _ in trained if name.startswith("feature-maps")]
    said = "methods that race: fitnets, soft-labels, none; the student has few layers"
    assert said in capsys.readouterr().err
    assert choosing.chosen(MethodOptions(race_share=0), other).method == "fitnets"


def test_a_loss_that_is_not_finite_loses_a_heat(tmp_path, monkeypatch, capsys):
    """The best of the first heat fails in the second, and no third is left to go on."""
    trained = races.untrained(monkeypatch, failing=("none-5", "soft-labels-10"))
    race = replace(races.race(tmp_path, soft_labels=0.6), settings=Teaching(epochs=140))
    found = choosing.chosen(AUTO, race)
    assert (found.method, found.heats[-1].fault) == ("feature-maps", None)
    faults = {(one.method, one.epochs): one.fault for one in found.heats}
    assert faults[("none", 5)] == faults[("soft-labels", 10)] == races.FAULT
    assert "none has lost this heat: The loss is not finite" in capsys.readouterr().err
    before = list(trained)
    assert choosing.chosen(AUTO, race) == found
    assert trained == before, "what failed is not tried again by a race that goes on"


def test_a_race_that_nobody_ends_ends_the_command(tmp_path, monkeypatch):
    races.untrained(monkeypatch, failing=("feature-maps-1", "soft-labels-1", "none-1"))
    with pytest.raises(UserError, match=r"Every training of the race failed.*none: The loss is"):
        choosing.chosen(AUTO, races.race(tmp_path))


def test_without_a_race(tmp_path, trained):
    short = MethodOptions(race_share=0.01)
    assert choosing.chosen(short, races.race(tmp_path)).method == UNRACED
    none = choosing.chosen(MethodOptions(race_share=0), races.race(tmp_path))
    assert none.reason == "40 epochs and --race-share 0: too few for a race"
    assert choosing.chosen(AUTO, races.race(tmp_path, known=False)).method == UNRACED
    assert choosing.chosen(MethodOptions(method="bckd"), races.race(tmp_path)).method == "bckd"
    stated = Teaching(epochs=40, temperature=2)
    asked = replace(races.race(tmp_path), settings=stated)
    assert choosing.chosen(AUTO, asked).method == methods.STATED
    assert trained == []


def test_a_method_beside_options_of_the_loss_is_refused():
    with pytest.raises(UserError, match=r"--method bckd, and --temperature"):
        choosing.check(MethodOptions(method="bckd"), Teaching(temperature=2))
    with pytest.raises(UserError, match=r"did you mean .soft-labels"):
        choosing.check(MethodOptions(method="soft-label"), Teaching())
    with pytest.raises(UserError, match=r"--race-share 0.25, and --method bckd"):
        choosing.check(MethodOptions(method="bckd", race_share=0.25), Teaching())
    with pytest.raises(UserError, match=r"--race-share 0, and --temperature, --term"):
        choosing.check(MethodOptions(race_share=0), Teaching(temperature=2, term=("bckd=1",)))
    choosing.check(MethodOptions(race_share=0.5), Teaching())
    choosing.check(AUTO, Teaching(temperature=2))
    choosing.check(MethodOptions(method="bckd"), Teaching())
