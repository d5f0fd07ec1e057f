"""A trial is a recipe in miniature: which stages run, with which options."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.recipes.steps import Step
from compress.searching.space import IDLE, PRECISION, PRUNED, STAGES, STUDENT, Choices, Space
from edgepress.core.manifest import Architecture
from models import pretrained

KEPT_APART = {"judged_on": "val"}
"""The test part is not decoded by any trial."""
NOT_JUDGED = ("size <= 1GB",)
"""A gate that costs nothing and is always met: trials are judged by the search."""
EMULATED = 0
"""Images that a trial's file is run on under an emulated CPU: that is for finalists."""
INT8_GATES = ("map drop <= 0.01",)
"""What the search for an int8 file looks for; whether it was met does not end a trial."""
BY_NAME = ("weights", "weights_key", "channels", "int8_friendly", "rewrite", "width")
"""Options of a student given by name, which rungs that go on from an artifact do not take."""
ETA = 3
"""Of trials at a rung about one in so many goes on, for so many times the epochs."""


@dataclass(frozen=True)
class Frame:
    """What all trials of a search share."""

    data: str
    teacher: Path
    space: Space
    rungs: tuple[int, ...]
    """Epochs of distillation at the end of each, those of the ones before among them."""
    seed: int
    skip_bad_images: bool = False

    def options(self, choices: Choices) -> dict[str, dict[str, Any]]:
        """Return the options that choices are, by stage."""
        found: dict[str, dict[str, Any]] = {stage: {} for stage in STAGES}
        for name, value in choices.items():
            stage, _, field = (self.space[name].option or "").partition(".")
            if stage and (name, value) not in IDLE:
                found[stage][field] = value
        student = str(choices[STUDENT])
        if student != PRUNED:
            found["distill"]["student"] = student
            if choices.get("weights") == "auto":
                found["distill"]["weights"] = pretrained.start_weights(Architecture(name=student))[
                    0
                ]
        return found

    def steps(self, choices: Choices) -> list[Step]:
        """Return all steps of a trial that comes to its end."""
        pruned = self.pruned(choices)
        rungs = [self.distilled(choices, rung) for rung in range(len(self.rungs))]
        return [*([pruned] if pruned else []), *rungs, *self.exported(choices)]

    def pruned(self, choices: Choices) -> Step | None:
        """Return the step that prunes the teacher, `None` for a student by name."""
        if choices[STUDENT] != PRUNED:
            return None
        own = self.options(choices)["prune"]
        return _step("pruned", "prune", {"model": str(self.teacher), "seed": self.seed, **own})

    def distilled(self, choices: Choices, rung: int) -> Step:
        """Return the step that teaches the student of the rung before for its epochs."""
        own = self.options(choices)["distill"]
        before = self.rungs[rung - 1] if rung else 0
        if rung:
            own = {name: value for name, value in own.items() if name not in BY_NAME}
        if rung or choices[STUDENT] == PRUNED:
            own["student"] = f"@{named(before)}" if rung else "@pruned"
        fixed = {
            "teacher": str(self.teacher),
            "epochs": self.rungs[rung] - before,
            "seed": self.seed + rung,
            "gate": NOT_JUDGED,
        }
        return _step(named(self.rungs[rung]), "distill", {**fixed, **own})

    def exported(self, choices: Choices) -> list[Step]:
        """Return the steps that export the student of the last rung, the file to judge last."""
        target = {n: v for n, v in self.options(choices)["export"].items() if n == "target"}
        model = {"model": f"@{named(self.rungs[-1])}"}
        steps = [_step("fp32", "export", {**model, "quantize": "none", **target})]
        if choices[PRECISION] == "int8":
            fixed = {"quantize": "int8", "gate": INT8_GATES, "emulate": EMULATED}
            own = {**fixed, **self.options(choices)["export"]}
            steps.append(_step("int8", "export", {"model": "@fp32", **own}))
        return steps


def teachers_file(teacher: Path) -> Step:
    """Return the step that exports the teacher, to measure files against."""
    return _step("teacher-fp32", "export", {"model": str(teacher), "quantize": "none"})


def named(epochs: int) -> str:
    """Return the name of the student after so many epochs."""
    return f"student-e{epochs}"


def rungs(epochs: int, number: int) -> tuple[int, ...]:
    """Return the epochs at the end of each rung, the last of which is all.

    >>> rungs(24, 3), rungs(2, 3)
    ((3, 8, 24), (1, 2))
    """
    each = (max(1, round(epochs / ETA**left)) for left in reversed(range(number)))
    return tuple(dict.fromkeys(each))


def _step(name: str, stage: str, options: Mapping[str, Any]) -> Step:
    return Step(name=name, stage=STAGES[stage], options={**options, **KEPT_APART})
