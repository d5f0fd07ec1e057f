"""Training that goes by validation images: when it stops, what it keeps, how it goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning.augmentation import Batch
from compress.learning.loop.run import Run
from compress.learning.losses.bce import loss as bce
from compress.learning.options import Training
from compress.learning.training import Fitted, fit
from edgepress.core.errors import UserError
from edgepress.core.stage import CHECKPOINT

HOW = {"batch_size": 4, "epochs": 8, "learning_rate": 0.05}
Weights = dict[str, Tensor]


def loss(logits: Tensor, batch: Batch) -> Tensor:
    return bce(logits, batch.targets, batch.weights)


class Scripted:
    """Scores that are known before, and the weights that were seen."""

    def __init__(self, *scores: float) -> None:
        self.scores, self.seen = list(scores), list[Weights]()

    def __call__(self, network: nn.Module) -> float:
        assert not any(layer.training for layer in network.modules())
        self.seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return self.scores.pop(0)


def fitted(folder: Path, score: object, **options: object) -> Fitted:
    folder.mkdir(exist_ok=True)
    images = replace(small_training.images(8), score=score)
    return fit(small_training.network(), images, Training(**(HOW | options)), loss, folder)


def same(one: Weights, other: Weights) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("ema_share", [0.0, 0.3])
def test_it_stops_after_so_many_epochs_without_a_better_one_and_keeps_the_best(tmp_path, ema_share):
    """An equal score is no better one."""
    score = Scripted(0.5, 0.7, 0.7, 0.6, 0.9)
    found = fitted(tmp_path, score, stop_early=2, ema_share=ema_share)
    assert score.scores == [0.9]
    assert same(found.network.state_dict(), score.seen[1])
    assert not same(score.seen[1], score.seen[3])
    assert found.note is not None
    assert found.note.startswith("4 of 8 epochs; the weights after epoch 2")


def test_the_best_weights_are_kept_where_it_never_stops(tmp_path):
    score = Scripted(0.1, 0.9, 0.3, 0.4)
    found = fitted(tmp_path, score, stop_early=5, epochs=4)
    assert same(found.network.state_dict(), score.seen[1])


def test_nothing_is_measured_where_nobody_asks(tmp_path):
    found = fitted(tmp_path, Scripted(), epochs=2)
    assert found.note is None


def test_a_plateau_is_told_every_score_and_the_last_weights_are_returned(tmp_path, monkeypatch):
    told: list[float] = []
    from compress.learning.schedules.plateau import Plateau

    monkeypatch.setattr(Plateau, "judge", lambda _, score: told.append(score))
    score = Scripted(0.9, 0.2, 0.3)
    found = fitted(tmp_path, score, schedule="plateau", epochs=3)
    assert told == [0.9, 0.2, 0.3]
    assert same(found.network.state_dict(), score.seen[2])


def test_a_score_that_is_not_defined_is_refused(tmp_path):
    for options in ({"stop_early": 1}, {"schedule": "plateau"}):
        with pytest.raises(UserError, match="mAP on validation"):
            fitted(tmp_path, None, **options)


@pytest.mark.parametrize("killed_after", [0, 2, 3])
def test_who_was_killed_stops_where_it_would_have_stopped(tmp_path, monkeypatch, killed_after: int):
    """With the weights of an epoch before it was killed, and the state of the schedule."""
    how = {"stop_early": 2, "schedule": "plateau", "sampling": "class-aware", "accumulation": 2}
    scores = (0.5, 0.8, 0.6, 0.6, 0.9, 0.9, 0.9, 0.9)
    whole = fitted(tmp_path / "whole", Scripted(*scores), **how)
    save = Run.save

    def killed(run: Run, epoch: int) -> None:
        save(run, epoch)
        if epoch == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed", Scripted(*scores), **how)
    monkeypatch.setattr(Run, "save", save)
    again = fitted(tmp_path / "killed", Scripted(*scores[killed_after + 1 :]), **how)
    assert again.note == whole.note
    assert same(whole.network.state_dict(), again.network.state_dict())
    kept = [torch.load(tmp_path / name / CHECKPOINT) for name in ("whole", "killed")]
    assert kept[0]["schedule"] == kept[1]["schedule"]
    assert kept[0]["judged"]["scores"] == kept[1]["judged"]["scores"] == list(scores[:4])


@pytest.mark.parametrize("sampling", [None, "class-aware", "repeat-factor", "ml-ros", "ml-rus=0.2"])
@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_who_was_killed_draws_what_would_have_been_drawn(tmp_path, monkeypatch, sampling, schedule):
    how = {"sampling": sampling, "schedule": schedule, "optimizer": "sgd", "epochs": 3}
    whole = fitted(tmp_path / "whole", None, **how)
    save = Run.save

    def killed(run: Run, epoch: int) -> None:
        save(run, epoch)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed", None, **how)
    monkeypatch.setattr(Run, "save", save)
    again = fitted(tmp_path / "killed", None, **how)
    assert same(whole.network.state_dict(), again.network.state_dict())
