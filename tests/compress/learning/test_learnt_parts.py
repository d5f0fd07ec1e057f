"""What a term of the loss learns: trained and kept with the student, and no part of it."""

from pathlib import Path

import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning.loop.run import Run
from compress.learning.teaching import Student, Teaching, lesson, teach
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


def taught(folder: Path, **options: object) -> nn.Module:
    """Return a student of four channels that a teacher of eight has taught."""
    student, teacher = Student(network(4), small_training.SPEC), network(8).eval()
    settings = SETTINGS.model_copy(update=options)
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
    """It ends with the very weights, of student and parts, of one that was not killed."""
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = taught(tmp_path / "whole")
    save = Run.save

    def killed(run: Run, epoch: int) -> None:
        save(run, epoch)
        if epoch == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "killed")
    monkeypatch.setattr(Run, "save", save)
    early = stored(tmp_path / "killed")
    assert early["epoch"] == 0
    again = taught(tmp_path / "killed")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    ours, others = (stored(tmp_path / name)["network"] for name in ("whole", "killed"))
    assert all(torch.equal(value, others[name]) for name, value in ours.items())
    assert not torch.equal(ours["parts.1.0.weight"], early["network"]["parts.1.0.weight"])


def test_the_seed_of_the_settings_decides_the_parts():
    """Whatever was drawn in the process before, such as a race."""
    student, spec = Student(network(4), small_training.SPEC), small_training.SPEC
    teacher, found = network(8), []
    for seed, drawn in ((1, 0), (1, 3), (2, 0)):
        torch.rand(drawn)
        settings = SETTINGS.model_copy(update={"seed": seed})
        with lesson(student, teacher, spec, settings) as given:
            found.append([weight.detach().clone() for weight in given.pupil.parts.parameters()])
    assert all(map(torch.equal, found[0], found[1]))
    assert not any(map(torch.equal, found[0], found[2]))
