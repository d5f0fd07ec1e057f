"""What is tried: every method with a good teacher, and `auto` with bad ones too."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from edgepress.core.noun import Noun

Teacher = Literal["finished", "unfinished", "shuffled"]
"""Trained to its end, stopped early, or trained on labels of other images."""
TEACHERS: tuple[Teacher, ...] = ("finished", "unfinished", "shuffled")
AUTO, CONTROL = "auto", "none"


class Problem(NamedTuple):
    """Sizes and lengths of the trainings on some images."""

    side: int
    """Height and width of the input, pixels."""
    finished: int
    """Epochs of a teacher, to its end."""
    unfinished: int
    student: int
    """Epochs of each student."""
    batch: int
    """Images per step; small images take more at a time for the same cost."""
    macs: float = 0.29
    """Share of the teacher's multiply-accumulates that the student has."""


PROBLEMS = {
    "digits": Problem(side=48, finished=40, unfinished=5, student=30, batch=32),
    "tail": Problem(side=48, finished=30, unfinished=4, student=20, batch=32),
    "cells": Problem(side=64, finished=40, unfinished=3, student=20, batch=16),
}


class Trial(Noun):
    """One student."""

    problem: str
    teacher: Teacher
    method: str
    seed: int


def grid(problems: Sequence[str], methods: Sequence[str], seeds: int) -> tuple[Trial, ...]:
    """Return the trials, those first of which a comparison is soonest whole.

    Every method is compared with the control of its problem, teacher and seed.
    """
    chosen = [
        (seed, problem, teacher, method)
        for seed in range(seeds)
        for problem in problems
        for teacher in TEACHERS
        for method in _methods(teacher, methods)
    ]
    return tuple(
        Trial(problem=problem, teacher=teacher, method=method, seed=seed)
        for seed, problem, teacher, method in chosen
    )


def _methods(teacher: Teacher, methods: Sequence[str]) -> tuple[str, ...]:
    others = methods if teacher == "finished" else ("soft-labels", "feature-maps")
    return tuple(dict.fromkeys((CONTROL, AUTO, *others)))
