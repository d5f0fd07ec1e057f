"""What the stages that train hand on: seeds, options, the average, and who sees which part."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_training import FAST, write

from benchmarks.metrics import best_threshold
from compress import train
from compress.learning import losses
from compress.learning.augmentation import Batch
from compress.learning.racing import choosing, race
from compress.learning.racing.scoring import Scorer
from compress.learning.training import Fitted
from compress.pruning import rounds
from edgepress.core import artifact as artifacts
from edgepress.core import registry
from edgepress.core.cli import main
from edgepress.core.eval_file import load_eval
from edgepress.data import pixels, split
from edgepress.data.context import open_context
from edgepress.data.dataset import open_data
from models.stored import count_macs, load_network

COMMON = ("--batch-size", 8, "--gate", "params <= 1e9")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("stages") / "data", lambda row: (row % 2, row // 2 % 2))


@pytest.fixture(scope="module")
def teacher(data: Path, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("stages") / "teacher"
    given = ("--data", data, "--out", out, *FAST)
    assert main(train.Config, train.run, [str(one) for one in given]) == 0
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    return all(torch.equal(one[name], other[name]) for name in one)


def probabilities(folder: Path, data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and targets of a part, by torch alone."""
    model, dataset = artifacts.load(folder), open_data(str(data))
    rows = split.indices(dataset, model.manifest.data.split, part)
    images = pixels.normalise(
        pixels.decoded(dataset, model.manifest.image)[rows], model.manifest.image
    )
    with torch.inference_mode():
        probs = load_network(model)(torch.from_numpy(images)).sigmoid().numpy()
    return probs, dataset.targets[rows]


def test_the_average_is_what_is_measured_and_stored(
    data: Path, tmp_path: Path, command, monkeypatch
):
    fitted = []

    def spy(*arguments):
        fitted.append(fit(*arguments))
        return fitted[0]

    fit = train.fit
    monkeypatch.setattr(train, "fit", spy)
    out = tmp_path / "model"
    done = command("compress.train", "--data", data, "--out", out, *FAST, "--ema-share", 0.9)
    assert done.code == 0, done.err
    for name, value in fitted[0].network.state_dict().items():
        assert torch.equal(weights(out)[name], value), name
    probs, targets = probabilities(out, data, "test")
    stored = load_eval(out / "eval.npz")
    assert stored.data_id.endswith(":test")
    np.testing.assert_array_equal(stored.targets, targets)
    np.testing.assert_allclose(stored.scores[0], probs, atol=1e-5)


def test_thresholds_are_learnt_on_the_validation_part(data: Path, teacher: Path):
    probs, targets = probabilities(teacher, data, "val")
    found = artifacts.load(teacher).manifest.labels
    wanted = [best_threshold(targets[:, n], probs[:, n]) for n in range(2)]
    assert found.thresholds == pytest.approx(wanted, abs=1e-6)
    probs, targets = probabilities(teacher, data, "test")
    test = [best_threshold(targets[:, n], probs[:, n]) for n in range(2)]
    assert found.thresholds != pytest.approx(test, abs=1e-4)


@pytest.mark.parametrize("epochs", [0, 1])
def test_the_seed_of_a_training_decides_its_weights(data: Path, tmp_path: Path, command, epochs):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done = command(
            "compress.train", "--data", data, "--out", tmp_path / name, *FAST, "--epochs", epochs,
            "--seed", seed,
        )  # fmt: skip
        assert done.code == 0, done.err
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize(
    "stage",
    [
        ("compress.distill", "--epochs", 0, "--student", "tiny_network:build"),
        ("compress.prune", "--epochs", 0, "--rounds", 1, "--round-to", 1, "--macs", 0.7),
    ],
    ids=["distill", "prune"],
)
def test_the_seed_of_a_student_decides_its_weights(
    data: Path, teacher: Path, tmp_path: Path, command, stage
):
    module, *options = stage
    given = "--teacher" if module == "compress.distill" else "--model"
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done = command(
            module, given, teacher, "--data", data, "--out", tmp_path / name, *COMMON, *options,
            "--seed", seed,
        )  # fmt: skip
        assert done.code == 0, done.err
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


def test_every_option_of_teaching_arrives(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    seen = []

    def spy(student, network, images, settings, scratch):
        seen.append((settings, network))
        return Fitted(student.network, None)

    monkeypatch.setattr(race, "teach", spy)
    monkeypatch.setattr(rounds, "teach", spy)
    options = ("--temperature", 2, "--hard-share", 0.4, "--feature-weight", 3, "--seed", 5)
    done = command(
        "compress.distill", "--teacher", teacher, "--student", teacher, "--data", data, "--out",
        tmp_path / "student", *COMMON, *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", tmp_path / "pruned", *COMMON,
        *options, "--rounds", 2, "--round-to", 1, "--macs", 0.7,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert len(seen) == 3
    for settings, network in seen:
        told = (settings.temperature, settings.hard_share, settings.feature_weight, settings.seed)
        assert told == (2, 0.4, 3, 5)
        unpruned = weights(teacher)
        assert all(
            torch.equal(value, unpruned[name]) for name, value in network.state_dict().items()
        )


def test_a_network_is_evaluated_before_it_is_stored_as_after(data: Path, teacher: Path):
    model = artifacts.load(teacher)
    context = open_context(str(data), (model,))
    scorer = Scorer(replace(context, views=1), model.manifest.image)
    found = scorer.evaluated(load_network(model).eval(), "test", "teacher")
    stored = load_eval(teacher / "eval.npz")
    assert found.map == pytest.approx(stored.map)
    assert (found.image_ids, found.data_id) == (stored.image_ids, stored.data_id)
    wide = scorer.seen_as(model.manifest.image.model_copy(update={"mean": (0.0, 0.0, 0.0)}))
    other = wide.evaluated(load_network(model).eval(), "test", "teacher")
    assert not np.allclose(other.scores, found.scores), "images are normalised for the network"


def test_a_race_and_a_control_are_in_the_manifest(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    monkeypatch.setattr(choosing, "standing", lambda race: (0.8, 0.2))  # of noise, it is chance
    out = tmp_path / "student"
    done = command(
        "compress.distill", "--teacher", teacher, "--student", "tiny_network:build", "--data", data,
        "--out", out, *COMMON, "--epochs", 3, "--race-share", 1,
    )  # fmt: skip
    assert done.code == 0, done.err
    how = artifacts.load(out).manifest.distillation
    assert sorted(one.method for one in how.heats) == ["fitnets", "none", "soft-labels"], "wider"
    assert {one.epochs for one in how.heats} == {1}
    assert (how.teacher_map, how.start_map) == (0.8, 0.2)
    assert all(0 < one.map <= 1 for one in how.heats)
    assert (how.gain is None) == (how.heats[-1].method == "none")
    taught = how.heats[-1].method != "none"
    assert done.err.count("istillation") + done.err.count("was not kept") == taught, "one verdict"
    assert done.err.rfind("points of mAP") > done.err.rfind("test images: ") or not taught
    assert not list(tmp_path.rglob("*.pt")), "nothing of the race is left"


def test_a_manifest_says_which_answers_of_the_teacher_were_stored(
    data: Path, teacher: Path, tmp_path: Path, command
):
    common = ("compress.distill", "--teacher", teacher, "--student", teacher, "--data", data,
              "--epochs", 1, "--feature-weight", 0, *COMMON, "--out")  # fmt: skip
    done = command(*common, tmp_path / "one", "--teacher-views", 3, "--patience", 2)
    assert done.code == 0, done.err
    assert "2 views x 24 images x 2 labels" in done.err
    found = artifacts.load(tmp_path / "one").manifest
    views = found.distillation.teacher_views
    assert views is not None
    assert (views.views, views.stored, views.bytes) == (2, 2, 2 * 24 * 2 * 2)
    assert any("the teacher's probabilities were mixed" in note for note in found.notes)
    done = command(*common, tmp_path / "two", "--teacher-views", 0)
    assert done.code == 0, done.err
    assert artifacts.load(tmp_path / "two").manifest.distillation.teacher_views is None


def test_a_longer_schedule_is_that_of_the_race_too_and_features_do_not_race(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    monkeypatch.setattr(choosing, "standing", lambda race: (0.8, 0.2))
    out = tmp_path / "student"
    done = command(
        "compress.distill", "--teacher", teacher, "--student", teacher, "--data", data, "--out",
        out, *COMMON, "--epochs", 1, "--patience", 4, "--race-share", 1, "--teacher-views", "auto",
    )  # fmt: skip
    assert done.code == 0, done.err
    how = artifacts.load(out).manifest.distillation
    assert sorted((one.method, one.epochs) for one in how.heats) == [
        ("none", 2), ("soft-labels", 2)
    ]  # fmt: skip
    assert "epoch 4/4" in done.err


@pytest.mark.parametrize("stage", ["distill", "prune"])
def test_patience_is_refused_before_the_work_where_the_teacher_runs_in_every_step(
    data: Path, teacher: Path, tmp_path: Path, command, stage: str
):
    given = {
        "distill": ("--teacher", teacher, "--student", teacher, "--method", "feature-maps"),
        "prune": ("--model", teacher, "--macs", 0.7, "--round-to", 1),
    }[stage]
    done = command(
        f"compress.{stage}", *given, "--data", data, "--out", tmp_path / "out", *COMMON,
        "--patience", 2, "--teacher-views", "auto",
    )  # fmt: skip
    assert done.code == 2
    assert "a loss with the teacher's features" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("loss", registry.names("compress.learning.losses"))
def test_the_loss_that_is_named_is_used(
    data: Path, tmp_path: Path, command, monkeypatch, loss: str
):
    seen = []

    def spy(network, images, settings, how, scratch):
        torch.manual_seed(0)
        batch = Batch(torch.zeros(0), torch.rand(5, 2).round(), torch.rand(5, 2), progress=1.0)
        logits = torch.randn(5, 2)
        seen.append((how(logits, batch), losses.find(loss)(logits, batch.targets, batch.weights)))
        return fit(network, images, settings, how, scratch)

    fit = train.fit
    monkeypatch.setattr(train, "fit", spy)
    out = tmp_path / "model"
    done = command(
        "compress.train", "--data", data, "--out", out, *FAST, "--epochs", 0, "--loss", loss
    )
    assert done.code == 0, done.err
    assert torch.equal(*seen[0])


def test_rounds_of_pruning_go_down_by_equal_factors(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    reached = []

    def spy(student, *_):
        reached.append(count_macs(student.network, student.spec))
        return Fitted(student.network, None)

    monkeypatch.setattr(rounds, "teach", spy)
    whole = artifacts.load(teacher).manifest.measurements.macs
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", tmp_path / "pruned", *COMMON,
        "--rounds", 3, "--round-to", 1, "--macs", 0.343,
    )  # fmt: skip
    assert done.code == 0, done.err
    for macs, share in zip(reached, (0.7, 0.49, 0.343), strict=True):
        assert share - 0.12 < macs / whole <= share


def test_a_factory_that_makes_another_width_is_refused(
    data: Path, teacher: Path, tmp_path: Path, command, monkeypatch
):
    import tiny_network

    build = tiny_network.build
    monkeypatch.setattr(tiny_network, "build", lambda num_classes, width=8: build(1, width))
    out = tmp_path / "model"
    done = command("compress.train", "--data", data, "--out", out, *FAST)
    assert done.code == 2
    assert "does not return one number per label" in done.err
    done = command(
        "compress.distill", "--teacher", teacher, "--student", "tiny_network:build", "--data", data,
        "--out", out,
    )  # fmt: skip
    assert done.code == 2
    assert not out.exists()


def test_a_test_part_without_any_label_ends_the_training_as_not_measured(tmp_path: Path, command):
    """Its mAP is not defined: said as that, and no fault of the program."""
    table = write(tmp_path / "data", lambda row: [row % 2 if row < 32 else 0] * 2)
    done = command("compress.train", "--data", table, "--out", tmp_path / "out", *FAST)
    assert done.code == 0, done.err
    assert "mAP on 16 test images: not defined" in done.err
    assert artifacts.load(tmp_path / "out").manifest.measurements.map is None
