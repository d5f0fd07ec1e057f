"""PyTorch on the CPU, for models that are not exported yet; torch is imported on opening."""

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.runtimes._contract import Batched
from benchmarks.runtimes._session import ONE_THREAD, Availability, Images, Probs
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.libraries import openmp_wait
from edgepress.core.scaling import Scalings, coefficients

if TYPE_CHECKING:
    from torch import nn

BATCH = 32
"""Images that a network takes at a time, where its artifact does not say."""


class TorchSession:
    """A network in eval mode, calibrated as its manifest says."""

    provider_asked = "torch"
    provider_opened = "torch:cpu"
    node_share = 1.0

    def __init__(self, network: "nn.Module", batch: int, threads: int, scalings: Scalings) -> None:
        """Wrap a network that returns logits; `batch` images at most are run at a time."""
        import torch

        self._network, self.batch, self._threads = network, batch, threads
        self.waiting = ONE_THREAD if threads == 1 else openmp_wait()
        self._slope, self._offset = map(torch.tensor, coefficients(scalings))

    def run(self, images: Images) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, c, height, width]`.

        Raises:
            UserError: the network returns something else than one logit per label.
        """
        import torch

        from models.basis.torch_process import threads

        done = []
        with threads(self._threads), torch.inference_mode():
            for start in range(0, len(images), self.batch):
                some = torch.from_numpy(images[start : start + self.batch])
                logits = self._network(some)
                wanted = (len(some), len(self._slope))
                if logits.shape != wanted:  # torch would broadcast one column over all labels
                    raise UserError(
                        "The network does not return one logit per label",
                        got=f"shape {list(logits.shape)}",
                        allowed=str(list(wanted)),
                    )
                done.append(torch.sigmoid(logits * self._slope + self._offset).numpy())
        probs: Probs = np.concatenate(done)
        return probs


def available() -> Availability:
    """Tell whether torch is installed."""
    if importlib.util.find_spec("torch") is None:
        return Availability(
            ok=False,
            reason="torch is not installed",
            remedy="pip install torch, or measure the exported ONNX model with --provider cpu",
        )
    return Availability(ok=True, reason="torch on the CPU")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> TorchSession:
    """Open a torch artifact; `threads` work inside a batch, whatever `across_images` says.

    Raises:
        UserError: the artifact cannot be built or its weights do not fit.
    """
    from models.stored import load_network

    batch = artifact.batch if isinstance(artifact, Batched) else BATCH
    return TorchSession(load_network(artifact), batch, threads, artifact.manifest.labels.scalings)
