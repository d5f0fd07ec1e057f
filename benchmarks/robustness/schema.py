"""`robustness.json`, schema 1: accuracy of several models on corrupted images."""

from typing import Any

from benchmarks.errors.schema import Estimate
from benchmarks.report.schema import GateEntry
from edgepress.core.noun import Noun


class CorruptionEntry(Noun):
    """One model under one corruption, or under all of them."""

    map: tuple[float, ...]
    """mAP by strength, from the weakest to the strongest; of all corruptions, their mean."""
    mean: float
    """Mean over the strengths."""
    drop: Estimate
    """Mean mAP of the first model minus that of this one, paired over images."""
    beyond: Estimate
    """The same less the drop on the clean images: what is lost on top of what is lost anyway."""


class ModelRobustness(Noun):
    """One model, clean and corrupted."""

    name: str
    path: str
    kind: str
    precision: str
    size_bytes: int
    input: tuple[int, int]
    """Height and width in pixels."""
    clean: Estimate
    """mAP on the same images as they are."""
    clean_drop: Estimate
    """That of the first model minus this one's."""
    corruptions: dict[str, CorruptionEntry]
    """By corruption."""
    all: CorruptionEntry
    """Mean over the corruptions."""


class RobustnessReport(Noun):
    """All that was found of the models on one set of images."""

    schema_version: int = 1
    title: str
    command: str
    """The command that makes this report again."""
    data: dict[str, Any]
    environment: dict[str, Any]
    seed: int
    n: int
    """Images."""
    models: tuple[ModelRobustness, ...]
    """The reference first."""
    gates: tuple[GateEntry, ...]
    """What was demanded of the last model."""
    example: str | None
    """File of the image whose corruptions the page shows."""
