"""The loss of a network that learns from another one; pruning and distillation share it."""

import torch
from torch import Tensor, nn

from compress.losses import distillation
from compress.training import Loss


def teacher_loss(teacher: nn.Module, hard_share: float, temperature: float) -> Loss:
    """Return the loss against labels and the teacher's view of the same inputs."""
    teacher.requires_grad_(False).eval()
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(logits: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            soft = teacher.to(inputs.device)(inputs)
        return distillation(logits, targets, soft.clone(), hard_share, temperature)

    return loss
