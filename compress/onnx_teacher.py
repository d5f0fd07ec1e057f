"""An ONNX file as a teacher: what a network of unknown origin can teach are its probabilities."""

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.runtimes import cpu
from compress.core.artifact import Artifact
from compress.core.environment import usable_cores

_NEARLY_CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 than this would have logits that no student should learn."""


class OnnxTeacher(nn.Module):
    """A network that ONNX Runtime runs on the CPU, wherever the student is trained."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__()
        self._session = cpu.open_session(artifact, usable_cores(), across_images=True)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of images `[n, 3, h, w]`."""
        images = np.ascontiguousarray(image.detach().float().cpu().numpy())
        probs = torch.from_numpy(self._session.run(images))
        return torch.logit(probs, eps=_NEARLY_CERTAIN).to(image.device)
