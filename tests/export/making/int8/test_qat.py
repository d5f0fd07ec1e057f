"""Quantization-aware fine-tuning, from its parts to `python -m export.onnx --qat`."""

import importlib.util
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import nncf
import numpy as np
import onnx
import pytest
import torch
from export_helpers import LABELS, SPEC, store, to_int8
from export_network import tiny
from int8_parts import opened
from onnx.numpy_helper import to_array
from torch import nn

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import normalise
from edgepress.data.split import split_for
from export import onnx as command
from export import targets
from export.making.int8 import fake_quantization, qat
from export.making.int8.batch_norms import with_absorbed_norms
from export.making.int8.calibration import Calibration, calibration
from export.making.int8.fake_quantization import Rounding, fake_quantized
from export.making.int8.last_resort import Tuner, tuned_if_missed
from export.making.int8.search import Found, Search
from export.making.int8.trials import HARMFUL, Demands, Judges
from export.onnx import Config
from models.onnx_graph.write import to_onnx
from models.stored import load_network

DROP = 0.01


def badly_scaled() -> nn.Module:
    """Return the tiny network, some of whose channels are far larger than the others.

    With one scale per tensor the small ones are lost.
    """
    network = tiny(len(LABELS))
    with torch.no_grad():
        for conv, norm in (network.depthwise[:2], network.pointwise):
            conv.weight[::16] *= 40
            norm.running_var[::16] *= 40**2
            norm.weight[::16] *= 20
    return network


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Artifact:
    """An artifact of a network that loses much as integers with one scale per tensor."""
    return store(tmp_path_factory.mktemp("models") / "hard", badly_scaled(), dataset)


@pytest.fixture(scope="module")
def images(hard: Artifact, dataset: Dataset) -> Calibration:
    context = Context(dataset, split_for(dataset, (hard,)), SPEC)
    return calibration(dataset, context.rows("train"), SPEC)


def inputs(images: Calibration) -> np.ndarray:
    return normalise(images.pixels[images.rows], SPEC)


def logits(network: nn.Module, images: Calibration) -> torch.Tensor:
    with torch.no_grad():
        return network(torch.from_numpy(inputs(images)))


@pytest.mark.parametrize("make", [lambda: tiny(3), badly_scaled], ids=["plain", "badly scaled"])
def test_absorbed_norms_change_no_logits(make, images: Calibration) -> None:
    network = make()
    absorbed = with_absorbed_norms(network, SPEC)
    torch.testing.assert_close(
        logits(absorbed, images), logits(network, images), rtol=1e-3, atol=1e-4
    )
    assert absorbed.state_dict().keys() == network.state_dict().keys()
    for norm in (absorbed.stem[1], absorbed.depthwise[1], absorbed.pointwise[1]):
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        torch.testing.assert_close(scale, torch.ones_like(scale))
        assert not norm.weight.requires_grad


class Twice(nn.Module):
    """A convolution that is read by a batch norm and by something else."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 3)
        self.norm.running_var.fill_(4.0)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.conv(image)
        return self.head((self.norm(features) * features).mean((2, 3)))


def test_norms_stay_where_something_else_reads_the_convolution() -> None:
    network = Twice().eval()
    untouched = with_absorbed_norms(network, SPEC).state_dict()
    assert all(torch.equal(untouched[name], one) for name, one in network.state_dict().items())


def roundings(network: nn.Module) -> dict[str, Rounding]:
    return {name: one for name, one in network.named_modules() if isinstance(one, Rounding)}


@pytest.mark.parametrize(
    ("target", "levels", "scales"),
    [("cpu-vnni", 256, 64), ("cpu-avx2", 128, 64), ("qnn", 256, 1), ("tensorrt", 256, 64)],
)
def test_weights_are_rounded_as_the_target_rounds_them(
    target: str, levels: int, scales: int, images: Calibration
) -> None:
    network = fake_quantized(tiny(3), targets.resolve(target), images)
    found = roundings(network)
    weights = {name: one for name, one in found.items() if "conv2d/0__1" in name}
    assert len(weights) == 3, "neither the layer that reads the image nor the output layer"
    assert not [name for name in found if "stem/0" in name or "classifier" in name]
    for one in weights.values():
        assert (one.high - one.low + 1, one.scale.numel()) == (levels, scales)
    pointwise = next(one for name, one in weights.items() if "pointwise" in name)
    row = pointwise(network.pointwise[0].weight.detach())[0]
    assert 2 < len(row.unique()) <= levels
    assert (row - network.pointwise[0].weight[0]).abs().max() <= pointwise.scale.max()


class HeadsFirst(nn.Module):
    """Two output layers, declared before the others, and one that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(4, len(LABELS)) for _ in range(2)])
        self.body = nn.Sequential(nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.stem, self.unused = nn.Conv2d(3, 4, 3), nn.Linear(4, 4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.body(self.stem(image))
        return self.heads[0](features) + self.heads[1](features)


def test_what_reads_the_image_and_what_makes_the_output_stay_float() -> None:
    found = fake_quantization._float_layers(HeadsFirst(), SPEC)
    assert found == ["^stem/.*", "^heads/0/.*", "^heads/1/.*"]


def test_activations_of_16_bits_are_not_rounded(images: Calibration) -> None:
    fine = targets.resolve("cpu-vnni").model_copy(update={"activation_type": "uint16"})
    found = roundings(fake_quantized(tiny(3), fine, images))
    assert len(found) == 3
    assert all("conv2d/0__1" in name for name in found)


@pytest.mark.parametrize("target", ["qnn", "cpu-vnni"])
def test_weights_are_rounded_as_in_the_file(
    target: str, hard: Artifact, images: Calibration, tmp_path: Path
) -> None:
    """But for a step here and there: NNCF widens an asymmetric range a little to hold 0 exactly."""
    network, chosen = load_network(hard), targets.resolve(target)
    to_onnx(network, SPEC, tmp_path / "float.onnx")
    to_int8(tmp_path / "float.onnx", tmp_path / "int8.onnx", chosen, images)
    model = onnx.load(tmp_path / "int8.onnx")
    stored = {one.name: to_array(one).astype(np.float32) for one in model.graph.initializer}
    absorbed = with_absorbed_norms(network, SPEC)
    for place, rounding in roundings(fake_quantized(deepcopy(absorbed), chosen, images)).items():
        if "conv2d/0__1" not in place:
            continue
        layer = place.split("pre_hooks.")[1].removesuffix("/conv2d/0__1.0").replace("/", ".")
        name = f"network.{layer}.weight"
        scale, zero = (stored[f"{name}_{part}"] for part in ("scale", "zero_point"))
        shape = (-1, *[1] * 3) if scale.size > 1 else ()
        in_file = (stored[f"{name}_quantized"] - zero.reshape(shape)) * scale.reshape(shape)
        weight = absorbed.get_submodule(layer).weight.detach()
        in_training = rounding(weight).numpy()
        assert np.all(np.abs(in_training - in_file) <= 1.05 * scale.max())
        lost = np.mean((in_file - weight.numpy()) ** 2)
        assert np.mean((in_training - weight.numpy()) ** 2) == pytest.approx(lost, rel=0.1)


def tuning(hard: Artifact, dataset: Dataset, images: Calibration) -> qat.Tuning:
    """Return a tuning that shows an effect on 40 images of 32 pixels."""
    context = Context(dataset, split_for(dataset, (hard,)), SPEC)
    update = {"learning_rate": 2e-3, "batch_size": 8}
    settings = qat.settings(12, 40, seed=0).model_copy(update=update)
    return qat.Tuning(hard, targets.resolve("qnn"), images, context, settings)


@pytest.fixture(scope="module")
def tuned(hard: Artifact, dataset: Dataset, images: Calibration, tmp_path_factory) -> nn.Module:
    """The badly scaled network after fine-tuning for QNN."""
    how = tuning(hard, dataset, images)
    return qat.tune(load_network(hard), how, tmp_path_factory.mktemp("scratch"))


def test_only_float_weights_leave_the_fine_tuning(tuned: nn.Module, hard: Artifact) -> None:
    fresh = load_network(hard)
    before = deepcopy(fresh.state_dict())
    assert tuned.state_dict().keys() == before.keys()
    fresh.load_state_dict(tuned.state_dict())
    assert not torch.equal(fresh.squeeze.weight, before["squeeze.weight"])
    assert not roundings(tuned)
    assert all(parameter.requires_grad for parameter in tuned.parameters())


def test_the_same_seed_gives_the_same_weights(
    hard: Artifact, dataset: Dataset, images: Calibration, tmp_path: Path
) -> None:
    how = tuning(hard, dataset, images)
    short = replace(how, settings=how.settings.model_copy(update={"epochs": 1}))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    one, two = (qat.tune(load_network(hard), short, folder) for folder in folders)
    same = two.state_dict()
    assert all(torch.equal(same[name], tensor) for name, tensor in one.state_dict().items())


def test_rounding_costs_less_after_fine_tuning(
    tuned: nn.Module, hard: Artifact, images: Calibration
) -> None:
    """What fine-tuning minimises: how far the rounded network is from the float one."""
    before = with_absorbed_norms(load_network(hard), SPEC)
    truth = logits(before, images)
    errors = [
        float((logits(rounded_for_qnn(network, images), images) - truth).square().mean())
        for network in (before, tuned)
    ]
    assert errors[1] < 0.6 * errors[0]


def rounded_for_qnn(network: nn.Module, images: Calibration) -> nn.Module:
    """Return a copy with fake quantization, its ranges taken anew as a file's are."""
    return fake_quantized(deepcopy(network), targets.resolve("qnn"), images).eval()


@pytest.fixture
def search(tmp_path: Path) -> Search:
    """A search on a small file, without a clock, which wants a drop of at most `DROP`."""
    workshop = opened("plain", tmp_path)
    return Search(workshop, Judges(None, lambda _path: np.nan, lambda _path: 0.0), Demands(DROP, 0))


def judged(search: Search, *drops: float) -> Search:
    """Return the search with planned drops; the files they are given to are noted."""
    left: Iterator[float] = iter(drops)
    return replace(search, judges=replace(search.judges, map_drop=lambda _path: next(left)))


def resort(search: Search, left_s: float = 0) -> tuple[Found, list[Path]]:
    """Search, then try a tuner that gives the same network back."""
    written: list[Path] = []

    def write(scratch: Path, out: Path) -> None:
        assert scratch.is_dir()
        out.write_bytes(search.workshop.source.read_bytes())
        written.append(out)

    return tuned_if_missed(search.run(), search, Tuner(2, write), left_s), written


def told(found: Found) -> list[tuple[str, float | None, bool]]:
    return [(step.change, step.map_drop, step.kept) for step in found.steps]


FIRST, ACCURACY = "the target's best-known setting", "accuracy of the best so far"
TUNED = "quantization-aware fine-tuning, 2 epochs"


@pytest.mark.parametrize("better", [True, False])
def test_the_more_accurate_file_is_kept(search: Search, better: bool) -> None:
    drop = 0.02 if better else 0.06
    found, written = resort(judged(search, 0.05, drop))
    assert told(found) == [
        (FIRST, None, True),
        (ACCURACY, 0.05, True),
        (TUNED, None, better),
        (f"after fine-tuning, {FIRST}", None, better),
        (f"after fine-tuning, {ACCURACY}", drop, better),
    ]
    assert (found.path.parent == written[0].parent) is better
    assert found.audited is not None


def test_nothing_is_tuned_where_the_accuracy_is_met(search: Search) -> None:
    found, written = resort(judged(search, DROP))
    assert told(found) == [(FIRST, None, True), (ACCURACY, DROP, True)]
    assert not written


def test_accuracy_that_the_search_has_measured_is_not_measured_again(search: Search) -> None:
    within = replace(judged(search, 0.05, 0.04, 0.04, 0.04), demands=Demands(DROP, 1e-9))
    found, _ = resort(within)
    assert [change for change, _, _ in told(found)[:3]] == [FIRST, ACCURACY, TUNED]


def test_the_second_search_takes_what_is_left_of_the_budget(search: Search) -> None:
    found, _ = resort(judged(search, 0.05, 0.04, 0.03, DROP), left_s=3600)
    accuracy, *after = told(found)[4:]
    assert accuracy == (f"after fine-tuning, {ACCURACY}", 0.04, True)
    assert [(drop, kept) for _, drop, kept in after] == [(0.03, True), (DROP, True)]
    assert all(change.startswith("after fine-tuning, ") for change, _, _ in after)


def test_a_training_that_fails_costs_nothing_that_was_found(
    search: Search, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_scratch: Path, _out: Path) -> None:
        raise UserError("The loss is not finite")

    found = tuned_if_missed(judged(search, 0.05).run(), judged(search, 0.05), Tuner(2, fail), 0)
    assert told(found)[-1] == (f"{TUNED}: failed", None, False)
    assert found.path.is_file()
    assert "The loss is not finite" in capsys.readouterr().err


def test_what_was_slow_as_integers_stays_float_after_fine_tuning(search: Search) -> None:
    """Parts that were put back for accuracy's sake get another chance, those for time's do not."""
    judging = judged(search, 0.05, 0.0)
    first = judging.run()
    conv, other = [name for name in convs(first.path) if name not in first.setting.kept_float][:2]
    slow = first.setting.keeping({conv: "slower as integers", other: HARMFUL})
    written: list[Path] = []

    def write(_scratch: Path, out: Path) -> None:
        out.write_bytes(search.workshop.source.read_bytes())
        written.append(out)

    found = tuned_if_missed(replace(first, setting=slow), judging, Tuner(2, write), 0)
    assert conv in found.setting.kept_float
    assert other not in found.setting.kept_float


def convs(path: Path) -> list[str]:
    return [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"]


def test_a_network_that_nncf_does_not_take(
    images: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise nncf.UnsupportedModelError("no such layer")

    monkeypatch.setattr(nncf, "quantize", refuse)
    with pytest.raises(UserError, match="no such layer"):
        fake_quantized(tiny(3), targets.resolve("qnn"), images)


def arguments(model: Artifact, data: Path, out: Path, *more: str) -> list[str]:
    common = ["--calibration-images", "16", "--target", "qnn", "--budget", "0"]
    return ["--model", str(model.path), "--data", str(data), "--out", str(out), *common, *more]


QAT = ("--quantize", "int8", "--qat", "1")


@pytest.mark.slow
def test_a_missed_accuracy_is_followed_by_fine_tuning(
    hard: Artifact, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = arguments(hard, data_folder, tmp_path / "out", *QAT, "--gate", "map drop <= -0.9")
    assert main(Config, command.run, line) == 3
    assert "quantization-aware fine-tuning, 1 epoch" in capsys.readouterr().err
    manifest = artifacts.load(tmp_path / "out").manifest
    first, accuracy, tuning, *after = manifest.search
    assert [first.change, accuracy.change] == [FIRST, ACCURACY]
    assert tuning.change == "quantization-aware fine-tuning, 1 epoch"
    assert tuning.seconds > 0
    assert [step.change for step in after] == [f"after fine-tuning, {x}" for x in (FIRST, ACCURACY)]
    better = after[-1].map_drop < accuracy.map_drop
    assert {step.kept for step in (tuning, *after)} == {better}
    assert not [note for note in manifest.notes if "--qat" in note], "it was used"


@pytest.mark.slow
def test_a_met_accuracy_is_not(hard: Artifact, data_folder: Path, tmp_path: Path) -> None:
    line = arguments(hard, data_folder, tmp_path / "out", *QAT, "--gate", "map drop <= 0.9")
    assert main(Config, command.run, line) in (0, 4)
    changes = [step.change for step in artifacts.load(tmp_path / "out").manifest.search]
    assert changes == [FIRST, ACCURACY]


def test_an_onnx_file_cannot_be_tuned(
    data_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hard: Artifact,
) -> None:
    assert main(Config, command.run, arguments(hard, data_folder, tmp_path / "fp32")) == 0
    base = artifacts.load(tmp_path / "fp32")
    capsys.readouterr()
    assert main(Config, command.run, arguments(base, data_folder, tmp_path / "out", *QAT)) == 2
    assert "--qat needs the PyTorch artifact" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_other_number_formats_are_refused(
    hard: Artifact, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = arguments(hard, data_folder, tmp_path / "out", "--qat", "1")
    assert main(Config, command.run, line) == 2
    assert "add --quantize int8" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_told_before_any_work(
    hard: Artifact,
    data_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "nncf" else found(name, *more),
    )
    assert main(Config, command.run, arguments(hard, data_folder, tmp_path / "out", *QAT)) == 2
    assert "pip install 'edgepress[qat]'" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []
