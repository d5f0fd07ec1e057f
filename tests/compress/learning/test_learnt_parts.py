"""What a term of the loss learns: trained and kept with the student, and no part of it."""

from pathlib import Path

import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning import training
from compress.learning.teaching import Student, Teaching, teach
from edgepress.core.stage import CHECKPOINT

SETTINGS = Teaching(
    epochs=3, batch_size=4, term=("fitnets=2", "class-distances=1"), learning_rate=0.02
)


def network(width: int) -> nn.Module:
    torch.manual_seed(width)
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 4), nn.BatchNorm2d(width), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, 2),
    )  # fmt: skip


def taught(folder: Path, seed: int = 0, **options: object) -> nn.Module:
    """Return a student of four channels that a teacher of eight has taught.

    The parts are drawn when the lesson begins, by `seed`.
    """
    student, teacher = Student(network(4), small_training.SPEC), network(8).eval()
    settings = SETTINGS.model_copy(update=options)
    torch.manual_seed(seed)
    return teach(student, teacher, small_training.images(12), settings, folder).network


def stored(folder: Path) -> dict[str, dict[str, Tensor]]:
    return torch.load(folder / CHECKPOINT, weights_only=True)


def test_parts_are_trained_and_kept_and_the_student_is_without_them(tmp_path: Path):
    student = taught(tmp_path)
    assert student.state_dict().keys() == network(4).state_dict().keys()
    (before := tmp_path / "before").mkdir()
    taught(before, learning_rate=1e-9)
    found, early = (stored(folder)["network"] for folder in (tmp_path, before))
    learnt = {name: value for name, value in found.items() if "parts" in name}
    assert {name: tuple(value.shape) for name, value in learnt.items()} == {
        "parts.0.weight": (8, 4),  # of feature-maps, which is usual
        "parts.0.bias": (8,),
        "parts.1.0.weight": (8, 4, 1, 1),  # of fitnets
        "parts.1.0.bias": (8,),
    }
    assert all((value - early[name]).abs().max() > 0.01 for name, value in learnt.items())


def test_a_killed_lesson_goes_on_with_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It ends with the very weights of one that was not killed, though its parts are drawn anew."""
    for name in ("whole", "killed", "other"):
        (tmp_path / name).mkdir()
    whole = taught(tmp_path / "whole")
    save = training._Run.save

    def killed(run: training._Run, epoch: int) -> None:
        save(run, epoch)
        if epoch == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(training._Run, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "killed")
    monkeypatch.setattr(training._Run, "save", save)
    assert stored(tmp_path / "killed")["epoch"] == 0
    again, other = taught(tmp_path / "killed", seed=7), taught(tmp_path / "other", seed=7)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert not torch.equal(other[0].weight, whole[0].weight), "the seed decides"
