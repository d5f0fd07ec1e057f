"""What a training knows of validation images: how good each epoch was, and the best weights."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from models.basis.torch_process import evaluating

Score = Callable[[nn.Module], float]
"""mAP of a network in eval mode on the CPU, on validation images."""


@dataclass
class Judged:
    """The epochs so far."""

    score: Score
    patience: int
    """Epochs without a better one after which training stops; 0 is never."""
    scores: list[float] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    """Weights of the best epoch, where training may stop."""

    def judge(self, network: nn.Module) -> float:
        """Measure the network as it is after one more epoch."""
        with evaluating(network):
            score = self.score(_on_cpu(network))
        if self.patience and score > max(self.scores, default=float("-inf")):
            self.best = {name: value.clone() for name, value in network.state_dict().items()}
        self.scores.append(score)
        return score

    @property
    def best_epoch(self) -> int:
        """The first of the best epochs, from 1; 0 before all."""
        return 1 + self.scores.index(max(self.scores)) if self.scores else 0

    @property
    def is_over(self) -> bool:
        """Whether no better epoch is waited for."""
        return bool(self.patience) and len(self.scores) - self.best_epoch >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return what a killed training goes on with."""
        return {"scores": self.scores, "best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with what an earlier run has left."""
        self.scores, self.best = list(state["scores"]), dict(state["best"])


def judged(score: Score | None, patience: int) -> Judged:
    """Return the beginning.

    Raises:
        UserError: no mAP is defined on validation images.
    """
    if score is None:
        raise UserError(
            "--stop-early and --schedule plateau go by mAP on validation images",
            got="no label with and without it in the validation part",
            next_step="a larger --val-share, or another --schedule without --stop-early",
        )
    return Judged(score, patience)


def _on_cpu(network: nn.Module) -> nn.Module:
    """Return a network on the CPU: itself, or a copy where it is elsewhere."""
    device = next(network.parameters()).device
    return network if device == torch.device("cpu") else copy.deepcopy(network).to("cpu")
