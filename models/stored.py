"""Networks in and out of artifacts."""

from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from edgepress.core.artifact import WEIGHTS, Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.data import probe
from models import checkpoint, families
from models.basis.torch_process import evaluating, seeded
from models.blank import blank_image
from models.network_output import LAYERS
from models.network_reading import make_readable
from models.network_trial import try_out
from models.pruning_history import replay


def load_network(artifact: Artifact) -> nn.Module:
    """Rebuild an artifact's network, in eval mode; it maps `[n, channels, h, w]` to logits.

    Raises:
        UserError: an ONNX artifact, weights that do not fit or are not finite, another number of
            outputs than labels, or a network that answers otherwise than the one that was measured.
    """
    architecture, labels = architecture_of(artifact), len(artifact.manifest.labels.names)
    network = rebuilt(architecture, labels, artifact.manifest.image)
    checkpoint.load_into(network, checkpoint.read(artifact.weights), artifact.weights)
    probe.check(partial(logits, network), artifact)
    return network


def rebuilt(architecture: Architecture, n_labels: int, spec: ImageSpec) -> nn.Module:
    """Build a network with random weights, pruned as its record says, in eval mode.

    Raises:
        UserError: it cannot be built, or the record does not fit it.
    """
    network = families.skeleton(architecture, n_labels).eval()
    make_readable(network, n_labels, spec)
    return replay(network, architecture.pruning_history, blank_image(spec))


def try_network(artifact: Artifact, training: bool, spec: ImageSpec | None = None) -> None:
    """Run a network as an artifact has it, with weights that do not matter, before the work.

    Args:
        artifact: Of a network.
        training: Whether it will be trained.
        spec: The images that it will see; default: its own.

    Raises:
        UserError: an ONNX artifact, or as `models.network_trial.try_out`.
    """
    labels = len(artifact.manifest.labels.names)
    with seeded(0):
        network = families.build(architecture_of(artifact), labels)
        try_out(network, labels, spec or artifact.manifest.image, training)


def logits(network: nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a network in eval mode answers to images `[n, channels, h, w]`: `[n, labels]`."""
    with torch.inference_mode():
        answers: NDArray[np.float32] = network(torch.from_numpy(images)).float().numpy()
    return answers


def architecture_of(artifact: Artifact) -> Architecture:
    """Return the architecture of an artifact that can be rebuilt in PyTorch.

    Raises:
        UserError: an ONNX artifact, whose graph is fixed.
    """
    manifest = artifact.manifest
    if manifest.kind != "torch" or manifest.architecture is None:
        raise UserError(
            "A PyTorch model is needed; the graph of an ONNX file is fixed",
            got=f"{artifact.path} of kind {manifest.kind}",
            next_step="give the artifact that the ONNX file was exported from; of a network made "
            "elsewhere make a student, which can be pruned: python -m compress.distill "
            f"--teacher {artifact.path} --student NAME",
        )
    return manifest.architecture


def save_network(network: nn.Module, folder: Path) -> None:
    """Write a network's weights as the artifact file `model.safetensors`.

    Weights that layers share are written once, by the first of their names. The file is written
    here, and not by the format's library, which lets nobody but its owner read it.
    """
    form = torch.contiguous_format
    kept = checkpoint.stored_once(network).items()
    (folder / WEIGHTS["torch"]).write_bytes(
        save({name: tensor.clone(memory_format=form) for name, tensor in kept})
    )


def count_params(network: nn.Module) -> int:
    """Return the number of learnable values."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, spec: ImageSpec) -> int:
    """Return the multiply-accumulates of convolutions and linear layers for one image."""
    return macs_at(network, places(network, spec))


def places(network: nn.Module, spec: ImageSpec) -> Counter[str]:
    """Return at how many places of one image each convolution and linear layer multiplies.

    At each of them every weight of the layer is multiplied once. The weights of a transposed
    convolution are multiplied at each place of its input. Fewer channels leave the places as many.
    """
    found = Counter[str]()

    def count(name: str, layer: nn.Module, inputs: tuple[torch.Tensor], out: torch.Tensor) -> None:
        # of a transposed convolution the input's channels come first
        each = inputs[0] if getattr(layer, "transposed", False) else out
        found[name] += each[0].numel() // len(layer.weight)  # type: ignore[arg-type]

    with ExitStack() as hooks, evaluating(network), torch.inference_mode():
        for name, layer in network.named_modules():
            if isinstance(layer, LAYERS):
                hooks.enter_context(layer.register_forward_hook(partial(count, name)))
        network(blank_image(spec))
    return found


def macs_at(network: nn.Module, multiplied: Counter[str]) -> int:
    """Return the multiply-accumulates of a network whose layers multiply at these places.

    Those of blocks that were taken out multiply no more.
    """
    layers = {name: m for name, m in network.named_modules() if isinstance(m, LAYERS)}
    return sum(layers[name].weight.numel() * n for name, n in multiplied.items() if name in layers)
