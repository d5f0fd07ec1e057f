"""The labels that a network predicts."""

from typing import Self

from pydantic import model_validator

from compress.core.noun import Noun


class Labels(Noun):
    """Names, decision thresholds and prevalence, one of each per label, in output order."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    """A label is predicted when its probability is at least this; tuned on validation."""
    prevalence: tuple[float, ...]
    """Share of training images that carry the label."""

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.names) == len(self.thresholds) == len(self.prevalence):
            raise ValueError("names, thresholds and prevalence must have one entry per label")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"label names must differ from each other, got {self.names}")
        return self
