"""An ONNX file as a teacher: of unknown origin, what it can teach are its probabilities."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.runtimes import _contract, cpu
from edgepress.core.artifact import Artifact
from edgepress.core.environment import usable_cores
from edgepress.core.hashing import file_sha256
from edgepress.core.scaling import coefficients, inverses

_NEARLY_CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 than this would have logits that no student should learn."""
_HIGHEST = math.log(1 / _NEARLY_CERTAIN - 1)


class OnnxTeacher(nn.Module):
    """A network that ONNX Runtime runs on the CPU, wherever the student is trained.

    It teaches what the network says, before any calibration of the file.
    """

    def __init__(self, artifact: Artifact) -> None:
        super().__init__()
        self._artifact = artifact
        inverse = coefficients(inverses(artifact.manifest.labels.scalings))
        self._slope, self._offset = map(torch.tensor, inverse)
        self._session = cpu.open_session(artifact, usable_cores(), across_images=True)

    def get_extra_state(self) -> str:
        """Return what tells this teacher from others: it has no weights that torch knows."""
        scaling = f"{self._slope.tolist()} {self._offset.tolist()}"
        return f"{file_sha256(self._artifact.weights)} {scaling}"

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of images `[n, c, h, w]`.

        Raises:
            UserError: the file returns another number of probabilities, or fails.
        """
        images = np.ascontiguousarray(image.detach().float().cpu().numpy())
        answer = _contract.checked(self._session.run(images), images, self._artifact)
        probs = torch.from_numpy(answer)
        logits = torch.logit(probs, eps=_NEARLY_CERTAIN) * self._slope + self._offset
        return logits.clamp(-_HIGHEST, _HIGHEST).to(image.device)
