"""How long each stage will take, by hand: 100 images are trained on, 20 are beside, 50 test."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compress.planning.costing import durations
from compress.planning.costing.durations import OPENING_S, Seconds, Work, step_seconds
from compress.planning.facts import Speeds
from compress.planning.options import Config
from compress.planning.plan import plan
from compress.recipes import running
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec

SPEEDS = Speeds(
    train_s=0.1, teach_s=0.2, infer_s=0.01, decode_s=0.001, forward_s=0.04,
    student_forward_s=0.02, export_s=5, prune_s=7, alone_s=0.05,
)  # fmt: skip
EPOCH_S = durations.EPOCH_S


@pytest.fixture(autouse=True)
def _two_cores_and_no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "usable_cores", lambda: 2)
    monkeypatch.setattr(durations.shutil, "which", lambda _: None)


def facts(origin: str = "none", views: tuple[str, ...] = ("identity", "rot180")) -> Any:
    context = SimpleNamespace(
        rows={"train": range(100), "val": range(20), "test": range(50)}.get,
        beside_test="val",
        dataset=SimpleNamespace(views=views, paths=range(170)),
        spec=ImageSpec(),
    )
    start = SimpleNamespace(origin=origin)
    return SimpleNamespace(images=lambda: (100, 20, 50), context=context, start=start)


def seconds(stage: str, told: Any = None, **values: object) -> Seconds:
    found = step_seconds(Work(stage, values), told or facts(), SPEEDS)
    return Seconds(found.expected - OPENING_S, found.most - OPENING_S)


def expected(stage: str, told: Any = None, **values: object) -> float:
    found = seconds(stage, told, **values)
    assert found.expected == found.most
    return found.expected


def test_a_training_decodes_learns_in_whole_batches_and_is_measured():
    """170 images decoded; 3 epochs of 3 batches of 32; 20 images and 50 in two views."""
    found = expected("compress.train", epochs=3, batch_size=32)
    assert found == pytest.approx(170 * 0.001 + 3 * (96 * 0.1 + EPOCH_S) + (20 + 100) * 0.04)
    fewer = expected("compress.train", epochs=3, batch_size=32, views=1)
    assert found - fewer == pytest.approx(50 * 0.04)
    weights = expected("compress.train", epochs=0)
    assert weights == pytest.approx(170 * 0.001 + 120 * 0.04)


def test_pruning_rehearses_its_rounds_and_sees_the_training_part_in_each():
    found = expected("compress.prune", model="@teacher", rounds=2, epochs=1, **{"batch-size": 16})
    rounds = 2 * (100 * 0.04 + 96 * 0.2 + EPOCH_S)
    assert found == pytest.approx(2 * 7 + rounds + 120 * 0.02)


@pytest.mark.parametrize(("name", "passes"), [("taylor", 2.2), ("hessian", 4.8), ("fpgm", 0)])
def test_an_importance_of_the_data_sees_some_images_in_each_round_and_its_rehearsal(name, passes):
    given = {"model": "@teacher", "rounds": 3, "epochs": 1, "importance_images": 60}
    more = expected("compress.prune", **given, importance=name) - expected(
        "compress.prune", **given
    )
    assert more == pytest.approx(3 * 2 * 60 * passes * 0.04)
    all_of_them = expected(
        "compress.prune", **(given | {"importance_images": 500}), importance=name
    )
    assert all_of_them - more == pytest.approx(
        expected("compress.prune", **given) + 3 * 2 * 40 * passes * 0.04
    )


def test_a_student_in_another_size_is_decoded_for_it():
    given = {"teacher": "@teacher", "student": "@pruned", "epochs": 4, "method": "bckd"}
    own = expected("compress.distill", **given)
    assert own == pytest.approx(4 * (96 * 0.2 + EPOCH_S) + 120 * 0.02)
    three = given | {"teacher": ["@teacher", "runs/a", "runs/b"]}
    assert expected("compress.distill", **three) == pytest.approx(own + 4 * 96 * 2 * 0.04)
    other = given | {"student": "resnet18", "image_size": 64}
    assert expected("compress.distill", **other) == pytest.approx(own + 170 * 0.001)


def test_a_control_and_a_race_take_their_time():
    """The control has no teacher, and two models more are measured."""
    given = {"teacher": "@teacher", "student": "@pruned", "epochs": 4}
    alone = expected("compress.distill", **given, method="none")
    control = expected("compress.distill", **given, method="none", control=True)
    assert control - alone == pytest.approx(4 * (96 * 0.05 + EPOCH_S) + 2 * 120 * 0.02)
    raced = expected("compress.distill", **given, race_share=0.5)
    assert raced - control == pytest.approx(0.5 * 4 * (96 * 0.2 + EPOCH_S))
    stated = expected("compress.distill", **given, race_share=0.5, temperature=2.0)
    assert stated == pytest.approx(alone), "options of the loss leave nothing to be found out"


def test_patience_takes_its_time():
    given = {"teacher": "@teacher", "student": "@pruned", "method": "soft-labels", "epochs": 4}
    once = expected("compress.distill", **given)
    found = expected("compress.distill", **given, patience=2.5)
    assert found - once == pytest.approx(6 * (96 * 0.2 + EPOCH_S))


def test_an_export_is_compared_with_what_it_was_made_from_and_measured():
    """On one of two cores an image takes 0.02 s; the student's half the network takes 0.01 s."""
    found = expected("export.onnx", model="@teacher")
    assert found == pytest.approx(5 + 128 * (0.02 + 0.04) + 100 * 0.01)
    of_student = expected("export.onnx", model="@student")
    assert of_student == pytest.approx(5 + 128 * (0.01 + 0.02) + 100 * 0.005)
    there = expected("export.onnx", model="runs/net")
    assert there == pytest.approx(found + 170 * 0.001)


INT8 = {"model": "@teacher-fp32", "quantize": "int8", "gate": ["map drop <= 0.01"]}


def test_an_int8_search_ends_early_or_when_its_time_is_over():
    """It calibrates on 64 images, judges two files on validation, and times 8 changes."""
    calibrated = 2 * 64 * 0.02 + 20 * 2 * 1.6 * 0.01
    measured = 128 * 0.04 + (20 + 0.6 * 100) * 0.01
    changes = 8 * (0.2 + 80 * 0.02)
    found = seconds("export.onnx", **INT8, calibration_images=64, budget="10m")
    assert found.expected == pytest.approx(calibrated + measured + changes)
    assert found.most == pytest.approx(calibrated + measured + 600)
    hurried = seconds("export.onnx", **INT8, calibration_images=64, budget="5s")
    assert hurried.expected == hurried.most == pytest.approx(calibrated + measured + 5)


def test_few_training_images_calibrate_fewer():
    many, all_of_them = (
        seconds("export.onnx", **INT8, calibration_images=n).expected for n in (256, 100)
    )
    assert many == all_of_them


def test_an_int8_file_of_a_network_is_written_first_and_its_float_file_measured():
    """The network answers 128 images in place of the file, and 50 in two views are run again."""
    network = {**INT8, "model": "@teacher"}
    more = seconds("export.onnx", **network).expected - seconds("export.onnx", **INT8).expected
    assert more == pytest.approx(5 + 128 * (0.04 - 0.02) + 100 * 0.01)


def test_gates_on_latency_and_an_emulator_add_their_time(monkeypatch):
    """Three runners, the reference twice, in 12 rounds."""
    usual = {**INT8, "gate": None}
    plain, timed = (seconds("export.onnx", **one) for one in (INT8, usual))
    race = 12 * 3 * durations.PROCESS_S
    assert timed.expected - plain.expected == pytest.approx(race)
    assert timed.most - plain.most == pytest.approx(180)
    monkeypatch.setattr(durations.shutil, "which", lambda _: "/usr/bin/qemu-x86_64")
    beside = seconds("export.onnx", **INT8).expected - plain.expected
    assert beside == pytest.approx(durations.EMULATED_S + 32 * durations.EMULATED * 0.02)
    without = seconds("export.onnx", **INT8, emulate=0).expected
    assert without == pytest.approx(plain.expected)


@pytest.mark.parametrize("origin", ["file", "graph"])
def test_a_graph_is_not_written_first(origin: str):
    told = facts(origin)
    first = seconds("export.onnx", told, **INT8).expected
    assert first == seconds("export.onnx", told, **{**INT8, "model": "@teacher"}).expected


def test_a_student_without_a_network_beside_it_takes_what_it_takes_in_pytorch():
    graph = SPEEDS.model_copy(update={"forward_s": 0.0})
    work = Work("export.onnx", {"model": "@student"})
    found = step_seconds(work, facts("graph"), graph).expected - OPENING_S
    assert found == pytest.approx(5 + 128 * (0.04 + 0.02) + 100 * 0.02)


def test_a_file_from_elsewhere_is_run_many_times_to_be_understood():
    found = expected("export.adopt", facts("file"), model="net.onnx")
    assert found == pytest.approx(170 * 0.001 + 13 * 128 * 0.02 + 120 * 0.01)


def test_a_comparison_times_the_files_and_the_first_of_them_twice():
    names = ["@teacher-fp32", "@pruned", "@student", "@student-fp32", "@student-int8"]
    found = seconds("compare", models=names, latency_time="10m")
    assert found.expected == pytest.approx(8 * 4 * durations.PROCESS_S + durations.REPORT_S)
    assert found.most == pytest.approx(600 + durations.REPORT_S)
    assert expected("compare", models=["@student"]) == durations.REPORT_S


def test_a_bundle_is_checked_on_photographs():
    found = expected("export.bundle", model="@student-int8", check_images=256)
    assert found == pytest.approx(durations.PACKING_S + 20 * 2 * (0.001 * 2 + 0.01))


def test_an_option_that_a_stage_does_not_have_is_refused():
    with pytest.raises(UserError, match="epoch"):
        expected("compress.train", epoch=3)


def test_every_stage_of_the_shipped_recipe_is_known(tmp_path: Path):
    assert set(running.STAGES) <= durations._STAGES.keys()
    for step in plan(Config(out=tmp_path)).recipe.step:
        assert step_seconds(Work(step.stage, step.options), facts(), SPEEDS).expected > OPENING_S
