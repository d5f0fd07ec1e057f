"""The training loop, number by number: optimizer, schedule, average, seeds, what is resumed."""

import copy
import math

import numpy as np
import pytest
import small_training
import torch
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn

from compress.learning.augmentation import Batch, normalised
from compress.learning.loop.run import ModelEmaV3, Run
from compress.learning.losses.bce import loss as bce
from compress.learning.not_finite import LossNotFiniteError, explained
from compress.learning.options import Training
from compress.learning.training import fit
from compress.pruning.recalibration import recalibrate_batchnorm
from edgepress.core.errors import UserError
from edgepress.core.stage import CHECKPOINT

Weights = dict[str, Tensor]
PLAIN = {"mixup": 0, "augmentation": 0, "batch_size": 4}


def loss(logits: Tensor, batch: Batch) -> Tensor:
    return bce(logits, batch.targets, batch.weights)


def trained(folder, settings: Training, start: nn.Module | None = None, n: int = 8) -> Weights:
    network = start or small_training.network()
    fitted = fit(network, small_training.images(n), settings, loss, folder)
    return fitted.network.state_dict()


def run_of(folder, **settings: object) -> Run:
    how = Training(**({"epochs": 2} | PLAIN | settings))
    return Run(small_training.network(), small_training.images(8), how, loss, folder)


def test_weights_of_matrices_decay_and_biases_and_norms_do_not(tmp_path):
    run = run_of(tmp_path, weight_decay=0.3)
    names = {id(weight): name for name, weight in run.bare.named_parameters()}
    decayed, free = run.optimizer.param_groups
    assert {names[id(p)] for p in decayed["params"]} == {"0.weight", "5.weight"}
    assert {names[id(p)] for p in free["params"]} == {"0.bias", "1.weight", "1.bias", "5.bias"}
    assert [decayed["weight_decay"], free["weight_decay"]] == [0.3, 0.0]
    assert type(run.optimizer.optimizer) is torch.optim.AdamW


def test_a_step_is_one_of_adamw_by_hand(tmp_path):
    """First step: m = g / (1-b1) corrected = g, v = g^2, so each weight moves by lr * g / |g|."""
    settings = Training(epochs=1, weight_decay=0.5, ema_share=0, **(PLAIN | {"batch_size": 8}))
    start = small_training.network()
    before = {name: value.clone() for name, value in start.named_parameters()}
    rate = []
    original = AcceleratedOptimizer.step

    def step(self, closure=None):
        rate.append(self.param_groups[0]["lr"])
        gradients.update({n: p.grad.clone() for n, p in start.named_parameters()})
        original(self, closure)

    gradients: Weights = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AcceleratedOptimizer, "step", step)
        after = trained(tmp_path, settings, start)
    assert len(rate) == 1
    for name, old in before.items():
        g = gradients[name]
        kept = (1 - rate[0] * 0.5) * old if old.ndim > 1 else old
        wanted = kept - rate[0] * g / (g.abs() + 1e-8)
        torch.testing.assert_close(after[name], wanted, atol=1e-7, rtol=1e-5)


def test_the_learning_rate_rises_and_falls_as_one_cycle(tmp_path):
    """Cosine from peak/25 to the peak within the warm-up, then to peak/25/10^4 at the last step."""
    run = run_of(tmp_path, epochs=5, learning_rate=0.1, warmup_share=0.3)
    rates = [run.optimizer.param_groups[0]["lr"]]
    for number in range(5):
        run.epoch(number)
        rates.append(run.optimizer.param_groups[0]["lr"])
    low, end, steps = 0.1 / 25, 0.1 / 25 / 1e4, 10

    def between(a: float, b: float, share: float) -> float:
        return b + (a - b) * (1 + math.cos(math.pi * share)) / 2

    top = 0.3 * steps - 1
    wanted = {0: low, 2: 0.1, 4: between(0.1, end, 2 / 7), 6: between(0.1, end, 4 / 7)}
    assert top == 2
    assert [rates[step // 2] for step in wanted] == pytest.approx(list(wanted.values()))


@pytest.fixture
def recorded(monkeypatch) -> list[Weights]:
    """The weights at every update of the average, and what it was made of."""
    seen: list[Weights] = []
    original = ModelEmaV3.update

    def update(self, model, step=None):
        state = model.state_dict().items()
        seen.append({name: w.clone() for name, w in state if w.is_floating_point()})
        original(self, model, step)

    monkeypatch.setattr(ModelEmaV3, "update", update)
    return seen


@pytest.mark.parametrize(("share", "decay"), [(0.5, 1 - 1 / 6), (0.1, 1 - 1 / 1.2)])
def test_what_is_returned_is_the_average_of_the_weights(tmp_path, recorded, share, decay):
    """`a <- d a + (1-d) w` with d = min(decay, t / (t + 9)) after t updates, 12 steps in all.

    What batch norms have measured is averaged as the weights are.
    """
    start = small_training.network()
    average: Weights = {}
    settings = Training(epochs=6, learning_rate=0.05, ema_share=share, **PLAIN)
    found = trained(tmp_path, settings, start)
    assert len(recorded) == 12
    for t, weights in enumerate(recorded):
        d = min(decay, t / (t + 9))
        average = {n: d * average.get(n, 0) + (1 - d) * weight for n, weight in weights.items()}
    assert {"1.running_mean", "1.running_var", "5.bias"} < set(average)
    for name, value in average.items():
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-5)
        assert not torch.allclose(found[name], recorded[-1][name], atol=1e-6), "not the last"


def test_without_averaging_the_last_weights_are_returned(tmp_path, recorded):
    found = trained(tmp_path, Training(epochs=3, learning_rate=0.05, ema_share=0, **PLAIN))
    for name, value in recorded[-1].items():
        assert torch.equal(found[name], value)


def test_what_is_returned_is_ready_to_be_used(tmp_path):
    fitted = fit(
        small_training.network(), small_training.images(8), Training(epochs=1, **PLAIN), loss,
        tmp_path,
    )  # fmt: skip
    assert not any(layer.training for layer in fitted.network.modules())
    assert fitted.network[0].weight.is_contiguous()


def test_training_runs_in_training_mode_in_every_epoch(tmp_path):
    modes = []

    def watched(logits: Tensor, batch: Batch) -> Tensor:
        modes.append(network[1].training)
        network.eval()  # as an evaluation between epochs would leave it
        return loss(logits, batch)

    network = small_training.network()
    settings = Training(epochs=3, **(PLAIN | {"batch_size": 8}))
    fit(network, small_training.images(8), settings, watched, tmp_path)
    assert modes == [True] * 3


@pytest.mark.parametrize("what", ["mixup", "augmentation", "order"])
def test_the_seed_decides_what_is_drawn(tmp_path, what: str):
    settings = {"epochs": 1, "learning_rate": 0.01} | PLAIN
    if what != "order":
        settings |= {"batch_size": 8, what: 1.0}
    if what == "mixup":
        settings["mixup_probability"] = 1.0
    found = []
    for number, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(trained(folder, Training(seed=seed, **settings)))
    weights = [each["0.weight"] for each in found]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_every_epoch_draws_anew(tmp_path):
    shown = []

    def watched(logits: Tensor, batch: Batch) -> Tensor:
        shown.append(batch.inputs.clone())
        return loss(logits, batch)

    images = small_training.images(8)
    settings = Training(epochs=2, **(PLAIN | {"batch_size": 8}))
    fit(small_training.network(), images, settings, watched, tmp_path)
    first, second = shown
    assert not torch.equal(first, second)
    assert torch.equal(first.flatten(1).sum(1).sort()[0], second.flatten(1).sum(1).sort()[0])


def test_inputs_are_normalised_as_the_evaluation_normalises(tmp_path):
    from edgepress.data.pixels import normalise

    pixels = small_training.images(3).pixels
    ours = normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2), small_training.SPEC)
    np.testing.assert_allclose(ours.numpy(), normalise(pixels, small_training.SPEC), atol=1e-6)


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path):
    calls = []

    def breaking(logits: Tensor, batch: Batch) -> Tensor:
        calls.append(0)
        return loss(logits, batch) * (float("nan") if len(calls) == 3 else 1)

    settings = Training(epochs=4, **PLAIN)
    with pytest.raises(UserError) as caught:
        fit(small_training.network(), small_training.images(8), settings, breaking, tmp_path)
    assert len(calls) == 3, "no step on it"
    assert "epoch 2, step 1" in str(caught.value)
    kept = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert f"its state after epoch 1 is in {tmp_path / CHECKPOINT}" in str(caught.value)
    assert all(weight.isfinite().all() for weight in kept["network"].values())


def test_a_loss_that_is_never_finite_says_that_no_epoch_was_done(tmp_path):
    def nothing(logits: Tensor, batch: Batch) -> Tensor:
        return logits.sum() * float("inf")

    settings = Training(epochs=1, **PLAIN)
    with pytest.raises(UserError, match=r"no epoch was done.*epoch 1, step 1"):
        fit(small_training.network(), small_training.images(8), settings, nothing, tmp_path)


@pytest.mark.parametrize(("terms", "left_out"), [(("fitnets",), 1), (("labels", "fitnets"), 0)])
def test_a_term_is_to_be_left_out_only_where_it_alone_fails(tmp_path, terms, left_out):
    """Where the labels' own term is not finite, the student's answers are not."""
    told = str(explained(LossNotFiniteError(terms), 1, 2, tmp_path / CHECKPOINT))
    assert told.count("leave that term out") == left_out
    assert "lower --learning-rate" in told


def test_a_resumed_fp16_training_goes_on_with_its_scale(tmp_path):
    first = run_of(tmp_path)
    assert "scaler" not in first._parts()
    first.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=7)
    first.accelerator.scaler.scale(torch.ones(1))
    first.accelerator.scaler.update(2.0**5)
    first.save(0)
    again = run_of(tmp_path)
    again.accelerator.scaler = torch.amp.GradScaler("cpu")
    assert again.resume() == 1
    assert again.accelerator.scaler.get_scale() == 2.0**5
    assert again.accelerator.scaler.get_growth_interval() == 7


def test_infinite_bounds_and_masks_stay_as_they_are(tmp_path):
    """Their mean would be inf - inf."""
    start, bounds = small_training.network(), torch.tensor([-torch.inf, 1, torch.inf])
    start.register_buffer("bounds", bounds.clone())
    found = trained(tmp_path, Training(epochs=2, **PLAIN), start)
    assert torch.equal(found["bounds"], bounds)
    assert all(value.isfinite().all() for name, value in found.items() if name != "bounds")


@pytest.mark.parametrize("ema_share", [0.0, 0.5])
def test_what_was_trained_in_bfloat16_is_returned_in_fp32(tmp_path, ema_share: float):
    """What is measured afterwards is what a file with these weights computes."""
    settings = Training(epochs=1, mixed_precision="bf16", ema_share=ema_share, **PLAIN)
    start = small_training.network()
    found = fit(start, small_training.images(8), settings, loss, tmp_path).network
    stored = small_training.network().eval()
    stored.load_state_dict(found.state_dict())
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(found(image), stored(image))


def test_one_process_can_train_in_two_precisions(tmp_path):
    for precision in ("no", "bf16", "no"):
        (tmp_path / precision).mkdir(exist_ok=True)
        settings = Training(epochs=1, mixed_precision=precision, **PLAIN)
        weights = trained(tmp_path / precision, settings)
        assert all(weight.isfinite().all() for weight in weights.values())


@pytest.mark.parametrize("option", ["learning_rate", "weight_decay", "mixup", "augmentation"])
def test_options_are_finite(option: str):
    for value in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match=option):
            Training(**{option: value})


def test_batch_norms_are_measured_again_over_all_images():
    """One batch of everything: the statistics are those of the convolution's outputs."""
    network = small_training.network().eval()
    network[1].running_mean.fill_(9)
    weights = copy.deepcopy(list(network.parameters()))
    images = small_training.images(8)
    settings = Training(**(PLAIN | {"batch_size": 4}))
    recalibrate_batchnorm(network, images, settings)
    seen = normalised(torch.from_numpy(images.pixels).permute(0, 3, 1, 2), images.spec)
    outputs = network[0](seen).detach()
    torch.testing.assert_close(network[1].running_mean, outputs.mean((0, 2, 3)), atol=1e-5, rtol=0)
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))
    assert not network.training
    assert network[1].momentum == 0.1
