"""What can be known is refused before an image is read, and a late error loses no work."""

import socket
from pathlib import Path

import pytest
from plans import manifest

from compress import train
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.stage import CHECKPOINT
from edgepress.data import context
from models import pretrained, weights_host
from models.defaults import ZOO_TEACHER

TINY = (
    "--arch", "tiny_network:build", "--weights", "random", "--image-size", 48, "--batch-size", 16,
    "--gate", "map >= 0",
)  # fmt: skip


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch):
    """No image is to be read."""

    def read(*_: object) -> None:
        raise AssertionError("data were read")

    monkeypatch.setattr(train, "open_data", read)
    monkeypatch.setattr(context, "open_data", read)
    monkeypatch.setattr("export.adopting.stage.open_data", read)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("stage", "words", "told"),
    [
        ("compress.train", ("--gate", "map drop <= 0.1"), "here is none"),
        ("compress.train", ("--gate", "int8_convs >= 1"), "int8_convs is not measured here"),
        ("compress.train", ("--demand", "recall[x] >= 2"), "recall"),
        ("compress.train", ("--arch", "resnet_18"), "Unknown architecture"),
        ("compress.train", ("--arch-kwargs", '{"nonsense": 1}'), "nonsense"),
        ("compress.train", ("--weights", "nowhere.pth"), "no such checkpoint"),
        ("compress.train", ("--arch", "lenet5", "--weights", ZOO_TEACHER / "model.safetensors"),
         "another architecture"),
        ("compress.train", ("--weights-key", "ema"), "--weights FILE"),
        ("compress.train", ("--optimizer", "rmsprob"), "mean 'rmsprop'"),
        ("compress.train", ("--schedule", "cosin"), "mean 'cosine'"),
        ("compress.train", ("--sampling", "ml-ros=2"), "at most 1"),
        ("compress.train", ("--loss", "focals"), "mean 'focal'"),
        ("compress.train", ("--frozen-epochs", 30), "at most 20"),
        ("compress.train", ("--arch", "lenet5", "--dropout", 0.1), "no dropout layer"),
        ("compress.train", ("--arch", "lenet5", "--drop-path", 0.1), "no residual block"),
        ("compress.distill", ("--student", "lenet5", "--drop-path", 0.1), "no residual block"),
        ("compress.distill", ("--student", "lenet5", "--optimizer", "rmsprob"), "mean 'rmsprop'"),
        ("compress.prune", ("--frozen-epochs", 1), "for a new output layer"),
        ("compress.prune", ("--schedule", "cosin"), "mean 'cosine'"),
        ("compress.train", ("--arch", "lenet5", "--image-size", 32, "--arch-kwargs",
                            '{"in_chans": 4}'), "4 channels"),
        ("compress.train", ("--arch", "torch.nn:Identity", "--arch-kwargs", "{}"),
         "one number per label"),
        ("compress.train", ("--arch", "sys:exit"), "Next: mend the factory"),
        ("compress.train", ("--arch", "tiny_network:grey", "--channels", 3), "of 3 channels"),
        ("compress.distill", ("--student", "tiny_network:grey", "--channels", 3), "of 3 channels"),
        ("compress.distill", ("--student", ZOO_TEACHER, "--int8-friendly"), "is trained already"),
        ("compress.distill", ("--student", ZOO_TEACHER, "--width", 0.5), "compress.prune --model"),
        ("compress.distill", ("--student", "lenet5", "--rewrite", "relu_6"), "mean 'relu6'"),
        ("compress.distill", ("--student", "lenet5", "--rewrite", "relu", "--int8-friendly"),
         "--int8-friendly is --rewrite relu6 no-squeeze-excite"),
        ("compress.distill", ("--student", "tiny_network:build", "--width", 0.99),
         "No layer of the student can be made narrower"),
        ("compress.distill", ("--student", "shufflenet_v2_x0_5", "--width", 0.5),
         "cannot follow the channels"),
        ("compress.prune", ("--gate", "ap[defect_certian] >= 0.5"), "mean 'defect_certain'"),
        ("compress.prune", ("--demand", "recall[defect] >= 0.5"), "defect"),
        ("compress.prune", ("--keep", "blocks.9.*"), "layer in --keep"),
        ("compress.train", ("--loss", "ascl"), "mean 'asl'"),
        ("compress.prune", ("--importance", "group-l3"), "mean 'group-l2'"),
        ("compress.prune", ("--term", "labels"), "NAME=WEIGHT"),
        ("compress.distill", ("--term", "soft-label=1"), "mean 'soft-labels'"),
        ("compress.distill", ("--term", "soft-labels=0"), "a weight above 0"),
        ("compress.distill", ("--term", "soft_labels=1", "--term", "soft-labels=2"), "twice"),
        ("compress.prune", ("--gate", "map drop <= 0.1 vs elpv"), "elpv_teacher"),
        ("compress.distill", ("--gate", "recall[defect] drop <= 0.1"), "defect"),
        ("compress.distill", ("--student", "resnet_18"), "Unknown architecture"),
        ("compress.distill", ("--weights", "nowhere.pth"), "no such checkpoint"),
        ("compress.distill", ("--student", "vit_tiny_patch16_224", "--image-size", 32),
         "Input height (32) doesn't match model (224)"),
        ("export.onnx", ("--gate", "ap[defect_certian] drop <= 0.1"), "mean 'defect_certain'"),
        ("export.onnx", ("--gate", "int8_convs >= 1"), "int8_convs is not measured here"),
        ("export.onnx", ("--demand", "recall[defect] >= 0.5", "--quantize", "fp16",
                         "--target", "tensorrt"), "defect"),
        ("export.adopt", ("--gate", "map drop <= 0.1"), "here is none"),
    ],
)  # fmt: skip
def test_before_an_image_is_read(command, tmp_path: Path, stage, words, told) -> None:
    source = {
        "compress.train": ("--weights", "random"),
        "compress.prune": ("--model", ZOO_TEACHER),
        "compress.distill": ("--teacher", ZOO_TEACHER, "--student", "resnet18"),
        "export.onnx": ("--model", ZOO_TEACHER),
        "export.adopt": ("--model", tmp_path / "none.onnx"),
    }[stage]
    done = command(stage, *source, *words, "--out", tmp_path / "out")
    assert done.code == 2, done.err
    assert told in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("asked", [("--term", "feature-maps=1"), ("--method", "attention")])
def test_a_term_asks_no_onnx_teacher_for_features(command, tmp_path: Path, asked) -> None:
    work, teacher = tmp_path / "work", tmp_path / "teacher"
    work.mkdir()
    (work / "model.onnx").write_bytes(b"graph")
    artifacts.save(teacher, work, manifest(kind="onnx"))
    words = ("--teacher", teacher, "--student", "resnet18", "--out", tmp_path / "out")
    done = command("compress.distill", *words, *asked)
    assert done.code == 2, done.err
    assert "An ONNX teacher shows no features" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("unread")
def test_an_artifact_is_tried_with_images_of_the_size_that_it_is_taught(
    command, tmp_path: Path
) -> None:
    """Its own 48 pixels it takes, others it does not."""
    work, student = tmp_path / "work", tmp_path / "student"
    work.mkdir()
    (work / "model.safetensors").write_bytes(b"weights")
    network = Architecture(name="unusual_networks:Fixed")
    own = ImageSpec(height=48, width=48)
    artifacts.save(student, work, manifest(architecture=network, image=own))
    words = ("--teacher", ZOO_TEACHER, "--student", student, "--image-size", 64)
    done = command("compress.distill", *words, "--out", tmp_path / "out")
    assert done.code == 2, done.err
    assert "The network cannot be run" in done.err
    assert "images of shape [2, 3, 64, 64]" in done.err


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("stage", ["compress.train", "compress.prune", "compress.distill"])
def test_a_place_that_holds_something_else(command, tmp_path: Path, stage) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = command(stage, "--out", tmp_path, *(["--weights", "random"] * (stage[-5:] == "train")))
    assert done.code == 2, done.err
    assert "not an artifact" in done.err


@pytest.mark.usefixtures("unread")
def test_the_output_is_not_what_is_read(command) -> None:
    for stage, option in (("compress.prune", "--model"), ("compress.distill", "--teacher")):
        done = command(stage, option, ZOO_TEACHER, "--out", ZOO_TEACHER)
        assert done.code == 2, done.err
        assert "would replace the model" in done.err


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No host answers, and nothing is in the hub's cache."""
    asked: list[object] = []

    def refuse(address: object, timeout: float) -> None:
        asked.append((address, timeout))
        raise OSError("no way out")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(weights_host, "getproxies", dict)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return asked


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("stage", ["compress.train", "compress.distill"])
def test_imagenet_weights_without_a_network(command, tmp_path, offline, stage) -> None:
    option = "--arch" if stage == "compress.train" else "--student"
    words = (option, "resnet18", "--weights", "imagenet", "--out", tmp_path / "out")
    done = command(stage, *words)
    assert done.code == 2, done.err
    assert "could not be fetched" in done.err
    assert "no way out" in done.err
    assert len(offline) == 1
    unknown = command(stage, option, "tiny_network:build", *words[2:])
    assert unknown.code == 2
    assert "There are no ImageNet weights for this architecture" in unknown.err


def test_weights_that_are_here_ask_no_host(offline, monkeypatch) -> None:
    from edgepress.core.image_spec import ImageSpec
    from edgepress.core.manifest import Architecture

    spec, start = ImageSpec(height=32, width=32), pretrained.Start("imagenet")
    pretrained.check(Architecture(name="efficientnet_lite0"), start, spec)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/a/file")
    pretrained.check(Architecture(name="resnet18"), start, spec)
    assert offline == []


def training(scenes: Path, out: Path, *more: object) -> tuple[object, ...]:
    return ("compress.train", "--data", scenes, "--out", out, *TINY, *more)


def test_a_late_error_keeps_the_checkpoint_and_other_gates_go_on_from_it(
    small: Path, tmp_path: Path, command, monkeypatch
) -> None:
    out = tmp_path / "model"

    def late(*_: object) -> None:
        raise UserError("The disk of the runtime is gone")

    with monkeypatch.context() as broken:
        broken.setattr(train, "finish", late)
        failed = command(*training(small, out, "--epochs", 1))
    assert failed.code == 2
    assert "kept for another try" in failed.err
    (work,) = tmp_path.glob(".model.work-*")
    assert [file.name for file in work.rglob("*") if file.is_file()] == [CHECKPOINT]
    done = command(*training(small, out, "--epochs", 1, "--gate", "params <= 1e9"))
    assert done.code == 0, done.err
    assert "resuming after epoch 1" in done.err
    assert not list(tmp_path.glob(".model*"))
    verdicts = artifacts.load(out).manifest.verdicts
    assert [one.gate for one in verdicts] == ["map >= 0", "params <= 1000000000"]


def test_a_late_error_without_a_checkpoint_leaves_nothing(
    small: Path, tmp_path: Path, command, monkeypatch
) -> None:
    def late(*_: object) -> None:
        raise UserError("The disk of the runtime is gone")

    monkeypatch.setattr(train, "finish", late)
    failed = command(*training(small, tmp_path / "model", "--epochs", 0))
    assert failed.code == 2
    assert not list(tmp_path.iterdir())


def test_every_gate_given_is_held(small: Path, tmp_path: Path, command) -> None:
    words = ("--epochs", 0, "--gate", "map >= 0.9999", "--gate", "params <= 1e9")
    done = command(*training(small, tmp_path / "model", *words))
    assert done.code == 3
    verdicts = artifacts.load(tmp_path / "model").manifest.verdicts
    assert [one.outcome for one in verdicts] == ["pass", "fail", "pass"]
    again = command(*training(small, tmp_path / "model", *words))
    assert again.code == 3, "unchanged, and so is its verdict"
    assert "unchanged" in again.err


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    import scenes as scene_maker

    return scene_maker.write(tmp_path_factory.mktemp("small"), n=120)


def test_a_label_that_only_the_data_know_is_refused_before_the_training(
    small: Path, tmp_path: Path, command, monkeypatch
) -> None:
    def trained(*_: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr(train, "fit", trained)
    for words in (("--gate", "ap[digt_1] >= 0.5"), ("--demand", "recall[digt_1] >= 0.5")):
        done = command(*training(small, tmp_path / "model", *words))
        assert done.code == 2, done.err
        assert "did you mean 'digit_1'" in done.err
    assert not list(tmp_path.iterdir())


def test_a_part_without_images_is_said(small: Path, tmp_path: Path, command) -> None:
    out, place = tmp_path / "model", tmp_path / "result"
    assert command(*training(small, out, "--epochs", 0, "--val-share", 0)).code == 0
    common = ("--data", small, "--out", place)
    for module, words in {
        "benchmarks.accuracy": ("--model", out, "--part", "val"),
        "benchmarks.errors.__main__": ("--model", out, "--part", "val"),
        "benchmarks.thresholds.__main__": ("--model", out),
        "export.onnx": ("--model", out, "--calibrate", "platt"),
    }.items():
        done = command(module, *words, *common)
        assert done.code == 2, (module, done.err)
        assert "part val" in done.err or "validation images" in done.err
        assert not place.exists(), module
    done = command("benchmarks.thresholds.__main__", "--show", out, "--data", small)
    assert (done.code, "validation images" in done.err) == (2, True), done.err


@pytest.mark.parametrize("stage", ["compress.train", "compress.prune", "compress.distill"])
def test_too_few_images_for_a_batch_are_found_before_the_work(command, small, tmp_path, stage):
    model, out = tmp_path / "model", tmp_path / "out"
    assert command(*training(small, model, "--epochs", 0, "--batch-size", 999)).code == 0
    source = {
        "compress.train": TINY,
        "compress.prune": ("--model", model),
        "compress.distill": ("--teacher", model, "--student", model),
    }[stage]
    done = command(stage, *source, "--data", small, "--out", out, "--batch-size", 999)
    assert done.code == 2, done.err
    assert "fewer training images than one batch" in done.err
    assert "round 1" not in done.err
    assert not out.exists()
