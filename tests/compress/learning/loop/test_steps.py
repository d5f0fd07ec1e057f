"""What a step does beside the usual: averaged gradients, limits, penalties, layers that wait."""

import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning.augmentation import Batch, smoothed
from compress.learning.loop import parameters
from compress.learning.loop.run import Run
from compress.learning.losses.bce import loss as bce
from compress.learning.options import Training, check
from compress.learning.teaching import Student, Teaching, lesson, teach
from compress.learning.training import fit
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from models import families

PLAIN = {"mixup": 0, "augmentation": 0, "ema_share": 0, "epochs": 1, "learning_rate": 0.05}


def loss(logits: Tensor, batch: Batch) -> Tensor:
    return bce(logits, batch.targets, batch.weights)


def without_norm(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )


def fitted(folder, network: nn.Module, n: int = 8, **options: object) -> dict[str, Tensor]:
    settings = Training(**(PLAIN | options))
    return fit(network, small_training.images(n), settings, loss, folder).network.state_dict()


def run_of(folder, network: nn.Module, n: int = 8, **options: object) -> Run:
    settings = Training(**(PLAIN | {"batch_size": 4} | options))
    return Run(network, small_training.images(n), settings, loss, folder)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_two_halves_of_a_batch_make_its_step(tmp_path, optimizer: str):
    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()
    how = {"optimizer": optimizer, "schedule": "step", "epochs": 2}
    whole = fitted(tmp_path / "whole", without_norm(), batch_size=8, **how)
    halves = fitted(tmp_path / "halves", without_norm(), batch_size=4, accumulation=2, **how)
    start = without_norm().state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(halves[name], value, atol=2e-6, rtol=1e-4)
        assert not torch.allclose(value, start[name], atol=1e-4), name


def test_what_is_left_of_an_epoch_is_a_step_of_its_own(tmp_path):
    """Five batches in twos are three updates, the last one of a single batch, in full."""
    run = run_of(tmp_path, without_norm(), n=20, accumulation=2, epochs=2)
    assert run.steps_in_all == 6
    run.epoch(0)
    assert run.steps_done == 3
    assert [run._turn(place).size for place in range(5)] == [2, 2, 2, 2, 1]
    assert [run._turn(place).ends for place in range(5)] == [False, True, False, True, True]
    assert [run._turn(place).begins for place in range(5)] == [True, False, True, False, True]


@pytest.mark.parametrize("limit", [0.01, 1e6])
def test_gradients_are_clipped_by_their_norm_over_all_weights(tmp_path, limit: float):
    run = run_of(tmp_path, without_norm(), clip_norm=limit, optimizer="sgd", batch_size=8)
    run.epoch(0)
    gradients = [p.grad for p in run.bare.parameters() if p.grad is not None]
    norm = torch.stack([each.norm() for each in gradients]).norm().item()
    assert norm == pytest.approx(0.01, rel=1e-3) if limit == 0.01 else 0.01 < norm < 10


def test_l1_adds_the_signs_of_matrices_to_the_gradient(tmp_path):
    runs = [run_of(tmp_path, without_norm(), batch_size=8, l1=weight) for weight in (0.0, 0.3)]
    start = dict(without_norm().named_parameters())
    losses = [run.epoch(0) for run in runs]
    plain, pulled = (dict(run.bare.named_parameters()) for run in runs)
    assert losses[0] == losses[1], "what is told is the loss of the labels"
    for name, value in pulled.items():
        added = value.grad - plain[name].grad
        wanted = 0.3 * start[name].sign() if value.ndim > 1 else torch.zeros_like(value)
        torch.testing.assert_close(added, wanted, atol=1e-6, rtol=0)


def test_smoothed_targets_by_hand(tmp_path):
    given = torch.tensor([[0.0, 1.0, 0.5, float("nan")]])
    found = smoothed(given, 0.2)
    assert found[0, :3].tolist() == pytest.approx([0.1, 0.9, 0.5])
    assert found[0, 3].isnan()
    seen = []

    def watched(logits: Tensor, batch: Batch) -> Tensor:
        seen.append(batch.targets)
        return loss(logits, batch)

    settings = Training(**PLAIN, batch_size=8, label_smoothing=0.2)
    fit(without_norm(), small_training.images(8), settings, watched, tmp_path)
    assert {round(value, 5) for value in seen[0].flatten().tolist()} == {0.1, 0.9}


def test_blocks_of_a_network_learn_at_rates_of_their_own(tmp_path):
    """Of timm's own blocks; the output layer has the peak, and each block before it a half."""
    network = families.build(Architecture(name="mobilenetv2_050"), 2)
    settings = Training(layer_decay=0.5, learning_rate=0.1, weight_decay=0.3)
    found = parameters.groups(network, settings, small_training.SPEC)
    rates = {id(p): group["lr"] for group in found for p in group["params"]}
    decay = {id(p): group["weight_decay"] for group in found for p in group["params"]}
    named = dict(network.named_parameters())
    assert len(rates) == len(named)
    assert rates[id(named["classifier.weight"])] == 0.1
    ordered = [rates[id(named[name])] for name in named]
    assert ordered == sorted(ordered)
    assert ordered[0] < 0.1 * 0.5**10
    assert {decay[id(p)] for p in named.values() if p.ndim > 1} == {0.3}
    assert {decay[id(p)] for p in named.values() if p.ndim <= 1} == {0.0}
    run = run_of(tmp_path, without_norm(), layer_decay=0.5, learning_rate=0.1)
    peaks = [group["max_lr"] for group in run.optimizer.param_groups]
    assert peaks == [0.05, 0.05, 0.1, 0.1], "of a network that does not tell its blocks"


def test_a_pupil_has_the_blocks_of_its_network():
    student = Student(families.build(Architecture(name="mobilenetv2_050"), 2), small_training.SPEC)
    teacher = families.build(Architecture(name="lenet5"), 2).eval()
    settings = Teaching(layer_decay=0.5, learning_rate=0.1, term=("fitnets=1",))
    with lesson(student, teacher, small_training.SPEC, settings) as given:
        found = parameters.groups(given.pupil, settings, small_training.SPEC)
        rates = {id(p): group["lr"] for group in found for p in group["params"]}
        named = dict(given.pupil.named_parameters())
    assert rates.keys() == {id(p) for p in named.values()}
    parts = {rates[id(p)] for name, p in named.items() if name.startswith("parts.")}
    assert parts == {0.1} == {rates[id(named["network.classifier.weight"])]}
    assert rates[id(named["network.conv_stem.weight"])] < 0.01


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


def test_only_the_output_layer_learns_while_the_body_waits(tmp_path):
    """Batch norms do not measure either."""
    network = small_training.network()
    run = run_of(tmp_path, network, epochs=3, frozen_epochs=2)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    run.epoch(0)
    run.epoch(1)
    assert moved(start, network.state_dict()) == {"5.weight", "5.bias"}
    run.epoch(2)
    assert moved(start, network.state_dict()) == set(start)


def test_a_killed_training_knows_whether_the_body_waits(tmp_path):
    network = small_training.network()
    run = run_of(tmp_path, network, epochs=3, frozen_epochs=1)
    run.epoch(0)
    run.save(0)
    again = run_of(tmp_path, small_training.network(), epochs=3, frozen_epochs=1)
    assert again.resume() == 1
    for each in (run, again):
        each.epoch(1)
    for name, value in run.bare.state_dict().items():
        assert torch.equal(again.bare.state_dict()[name], value), name


def test_what_is_learnt_beside_a_student_does_not_wait(tmp_path):
    (tmp_path / "teacher").mkdir()
    student, teacher = small_training.network(), small_training.network(seed=1).eval()
    start = {name: value.clone() for name, value in student.state_dict().items()}
    settings = Teaching(
        epochs=1, batch_size=4, frozen_epochs=1, term=("fitnets=1",), mixup=0, ema_share=0
    )
    images, spec = small_training.images(8), small_training.SPEC
    found = teach(Student(student, spec), teacher, images, settings, tmp_path)
    assert moved(start, found.network.state_dict()) == {"5.weight", "5.bias"}
    kept = torch.load(tmp_path / "training.pt", weights_only=True)["optimizer"]["state"]
    assert len(kept) > 2, "the parts of the term have moved"


def test_who_waits_for_longer_than_the_training_is_refused():
    check(Training(epochs=2, frozen_epochs=2))
    check(Training(epochs=0, frozen_epochs=2))
    with pytest.raises(UserError, match=r"frozen-epochs 3.*at most 2"):
        check(Training(epochs=2, frozen_epochs=3))
