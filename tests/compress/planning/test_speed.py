"""How long the work takes here: with the real code, without a trace, and near the truth."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import process_state
import pytest
import small_training
import torch
from torch import Tensor

from compress.learning.augmentation import Batch
from compress.learning.loop.run import Run
from compress.learning.losses.bce import loss as bce
from compress.learning.options import Training
from compress.learning.training import fit, step_times
from compress.learning.training_data import training_images
from compress.planning.costing import speed
from compress.planning.costing.durations import Work, step_seconds
from compress.planning.costing.speed import How, Named, measured
from compress.planning.costing.stopping import Patience
from compress.planning.facts import Facts, Speeds, Start
from compress.pruning.channels import channels_of
from compress.pruning.shrinking import Shrinking, kept_of
from compress.pruning.to_share import shrinking
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.core.stage import CHECKPOINT
from edgepress.data import pixels, splitting
from edgepress.data.context import Context
from edgepress.data.dataset import open_data
from edgepress.data.splitting import Splitting
from models.stored import rebuilt

NETWORK = Architecture(name="tiny_network:build")
SPEC = ImageSpec(height=48, width=48)
PLAIN = Training(epochs=2, batch_size=4, ema_share=0)


@pytest.fixture(scope="module")
def facts(scenes: Path) -> Facts:
    dataset = open_data(str(scenes), False)
    context = Context(dataset, splitting.split_by(dataset, Splitting()), SPEC)
    return Facts(Start("none", None, NETWORK), context, np.zeros((600, 2), np.int32))


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time no more than must be: what is tested is not how long it takes."""
    monkeypatch.setattr(speed, "TRAINING", Patience(0.0))
    monkeypatch.setattr(speed, "RUNS", Patience(0.0))


def loss(logits: Tensor, batch: Batch) -> Tensor:
    return bce(logits, batch.targets, batch.weights)


def test_timed_steps_are_those_of_a_training(tmp_path: Path):
    """Of 8 images in batches of 4 there are two steps an epoch; four are two epochs."""
    images, timed = small_training.images(8), small_training.network()
    times = step_times(timed, images, PLAIN, loss, lambda so_far: len(so_far) == 4)
    whole = fit(small_training.network(), images, PLAIN, loss, tmp_path).network
    assert len(times) == 4
    assert min(times) > 0
    for name, value in whole.state_dict().items():
        assert torch.equal(timed.state_dict()[name], value), name


def test_no_more_steps_are_made_than_are_enough(monkeypatch):
    made: list[int] = []
    step = Run._step

    def counted(run: Run, *batch: Tensor) -> Tensor:
        made.append(1)
        return step(run, *batch)

    monkeypatch.setattr(Run, "_step", counted)
    images = small_training.images(64)
    step_times(small_training.network(), images, PLAIN, loss, lambda so_far: len(so_far) == 3)
    assert len(made) == 3


@pytest.mark.usefixtures("_hurried")
def test_measuring_leaves_no_trace_and_a_later_training_as_it_was(
    facts: Facts, tmp_path: Path, cache: Path
):
    def trained(name: str) -> dict[str, Tensor]:
        (tmp_path / name).mkdir()
        network, images = small_training.network(), small_training.images(8)
        return fit(network, images, PLAIN, loss, tmp_path / name).network.state_dict()

    before = trained("before")
    narrow = Architecture(name="tiny_network:build", kwargs={"width": 16})
    how = How(NETWORK, SPEC, 32, Named(narrow, 32))  # whose lessons need a layer of their own
    measured(facts, how)  # the first brings imports, which change the state
    files, state = set(cache.rglob("*")), process_state.state()
    measured(facts, how)
    assert process_state.state() == state
    assert set(cache.rglob("*")) == files
    after = trained("after")
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.fixture
def _not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_exported", lambda *_: (1.0, 1.0))


@pytest.mark.usefixtures("_hurried", "_not_exported")
def test_what_there_is_not_takes_no_time(facts: Facts):
    alone = measured(facts, How(NETWORK, SPEC, 32, None))
    assert _nothing(alone) == {"teach_s", "alone_s", "student_forward_s", "prune_s"}
    assert _nothing(measured(facts, How(NETWORK, SPEC, 32, 0.5))) == set()
    taught = measured(facts, How(NETWORK, SPEC, 32, 0.5, control=False))
    assert _nothing(taught) == {"alone_s"}


def _nothing(found: Speeds) -> set[str]:
    return {name for name, seconds in found.model_dump().items() if seconds == 0}


@pytest.mark.usefixtures("_hurried")
def test_a_graph_teaches_a_student_and_is_not_trained(facts: Facts, tmp_path: Path):
    graph = _graph(facts, tmp_path)
    told = replace(facts, start=Start("graph", graph.path, None, graph))
    found = measured(told, How(None, SPEC, 32, Named(NETWORK, 32), teacher=graph))
    assert _nothing(found) == {"train_s", "forward_s", "export_s", "prune_s"}


def _graph(facts: Facts, folder: Path) -> artifacts.Artifact:
    bench = speed._Bench(facts, How(NETWORK, SPEC, 32, None), np.zeros((1, 48, 48, 3), np.uint8))
    manifest = bench.manifest(SPEC).model_copy(update={"kind": "onnx"})
    (folder / "files").mkdir()
    network = rebuilt(NETWORK, len(manifest.labels.names), SPEC)
    speed.to_onnx(network, SPEC, folder / "files" / artifacts.WEIGHTS["onnx"])
    return artifacts.save(folder / "graph", folder / "files", manifest)


@pytest.mark.usefixtures("_hurried")
def test_the_pruned_student_is_as_small_as_it_will_be(facts: Facts):
    bench = speed._Bench(facts, How(NETWORK, SPEC, 32, 0.5), np.zeros((1, 48, 48, 3), np.uint8))
    network = rebuilt(NETWORK, 10, SPEC)
    student, seconds = speed._pruned(bench, 0.5, network)
    widths = [len(student.network.get_submodule(name).weight) for name in ("0.0", "1.0", "3.0")]
    assert widths == [16, 48, 48]  # of 32, 64 and 64, in multiples of 16
    whole = copy.deepcopy(network)
    kept = kept_of(network, SPEC, Shrinking())
    shrinking(network, SPEC, Shrinking(), kept)(whole, 0.5)
    assert channels_of(student.network) == channels_of(whole)
    assert seconds > 0
    assert network.get_submodule("0.0").weight.shape[0] == 32


def test_a_named_student_is_given_images_of_its_size_and_channels(facts: Facts):
    bench = speed._Bench(facts, How(NETWORK, SPEC, 32, None), np.zeros((1, 48, 48, 3), np.uint8))
    student = speed._named(bench, Named(Architecture(name="tiny_network:grey"), 32))
    assert student.spec.shape == (1, 32, 32)
    assert student.network(torch.zeros(2, 1, 32, 32)).shape == (2, 10)


def test_a_training_part_smaller_than_a_batch_is_refused(facts: Facts):
    with pytest.raises(UserError, match="fewer training images than one batch"):
        measured(facts, How(NETWORK, SPEC, 512, None))


def test_an_image_is_decoded_alone_as_for_the_cache(facts: Facts):
    dataset = facts.context.dataset
    alone = pixels.decoded_alone(dataset, SPEC, 7)
    assert alone.shape == (1, 48, 48, 3)
    assert np.array_equal(alone[0], pixels.decoded(dataset, SPEC)[7])


@pytest.mark.timing
@pytest.mark.usefixtures("_not_exported")
def test_a_training_takes_as_long_as_was_foretold(facts: Facts, tmp_path: Path):
    """Within a factor of 2, for nothing else runs; the truth is what the fit has measured."""
    found = measured(facts, How(NETWORK, SPEC, 32, None))
    values = {"epochs": 6, "batch_size": 32}
    told = [
        step_seconds(Work("compress.train", values | {"epochs": n}), facts, found).expected
        for n in (6, 0)
    ]
    network, images = rebuilt(NETWORK, 10, SPEC), training_images(facts.context)
    fit(network, images, Training(**values), loss, tmp_path)
    taken = torch.load(tmp_path / CHECKPOINT, weights_only=True)["trained_s"]
    assert taken / 2 < told[0] - told[1] < 2 * taken
