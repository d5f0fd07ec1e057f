"""Grad-CAM of a network in PyTorch, by captum; torch and captum are imported on opening."""

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors.occlusion import Heat
from edgepress.core.artifact import Artifact
from edgepress.core.quiet import quiet

if TYPE_CHECKING:
    from torch import nn

GradCam = Callable[[NDArray[np.float32], int], Heat]
"""From a normalised image `[c, h, w]` and the place of a label to the heat."""


def why_not(model: Artifact) -> str | None:
    """Return why there is no Grad-CAM of a model, `None` if there is."""
    if model.manifest.kind != "torch":
        return (
            "Grad-CAM needs the network in PyTorch: give the artifact that the ONNX file was "
            "exported from. Occlusion works on every file."
        )
    if importlib.util.find_spec("captum") is None:
        return "Grad-CAM needs captum: pip install 'edgepress[explain]'."
    return None


def open_grad_cam(model: Artifact, threads: int) -> GradCam:
    """Return Grad-CAM of a torch artifact, at the last layer that still has places.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2: channels are weighed by the mean
    gradient of the label's logit, and what is below 0 is cut off.

    Raises:
        UserError: the artifact cannot be built or its weights do not fit.
    """
    import torch

    from models.basis import torch_process
    from models.stored import load_network

    with quiet():  # captum draws in matplotlib, which builds a font cache and says so
        from captum.attr import LayerAttribution, LayerGradCam
    network, spec = load_network(model), model.manifest.image
    layer = last_map(network, torch.zeros(1, *spec.shape))
    explainer = LayerGradCam(network, layer)

    def explain(image: NDArray[np.float32], label: int) -> Heat:
        with torch_process.threads(threads):
            found = explainer.attribute(
                torch.from_numpy(image)[None], target=label, relu_attributions=True
            )
            large = LayerAttribution.interpolate(found, (spec.height, spec.width), "bilinear")
        return np.asarray(large.detach().numpy()[0, 0], float)

    return explain


def last_map(network: "nn.Module", image: Any) -> "nn.Module":
    """Return the layer that ran last of those whose output `[n, c, h, w]` is larger than 1 x 1."""
    import torch

    ran: list[nn.Module] = []

    def note(layer: "nn.Module", _: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
            ran.append(layer)

    leaves = [layer for layer in network.modules() if not list(layer.children())]
    with ExitStack() as hooks, torch.inference_mode():
        for layer in leaves:
            hooks.enter_context(layer.register_forward_hook(note))
        network(image)
    return ran[-1]
