"""Fake quantization in a network, by NNCF: it computes in float what 8 bits would leave of it."""

import re
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.quiet import quiet
from edgepress.data.pixels import normalise
from export.making.int8.calibration import Calibration
from export.targets._target import Target
from models.basis.torch_process import evaluating
from models.blank import blank_image
from models.network_output import output_layers

WEIGHT = re.compile(r"pre_hooks\..*/(conv\w*|linear)/\d+__1\.")
"""Places of NNCF's quantizers that round weights."""


def fake_quantized(network: nn.Module, target: Target, images: Calibration) -> nn.Module:
    """Put fake quantization into a network, in place: the target's, with fixed ranges.

    What reads the image and what makes the output stay float, as in the files.

    Raises:
        UserError: NNCF does not take the network.
    """
    with quiet():
        import nncf

        try:
            made = _by_nncf(network, target, images)
        except (nncf.InternalError, nncf.UnsupportedModelError, nncf.ValidationError) as error:
            raise UserError(
                f"NNCF cannot put fake quantization into this network ({error})",
                next_step="leave --qat out",
            ) from error
        _use_torch_kernels(made, target)
    return made


def _by_nncf(network: nn.Module, target: Target, images: Calibration) -> nn.Module:
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    made: nn.Module = nncf.quantize(
        network,
        nncf.Dataset(images.rows.tolist(), lambda row: _tensor(images, row)),
        target_device=nncf.TargetDevice.CPU,
        subset_size=len(images.rows),
        ignored_scope=nncf.IgnoredScope(
            patterns=_float_layers(network, images.image), validate=False
        ),
        advanced_parameters=AdvancedQuantizationParameters(
            # Both would change weights in ways of their own, which then are not ours to export.
            disable_bias_correction=True,
            disable_channel_alignment=True,
            overflow_fix=OverflowFix.DISABLE,
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            **_number_formats(target),
        ),
    )
    return made


def _number_formats(target: Target) -> dict[str, Any]:
    """Return how the target rounds, in NNCF's words."""
    from nncf.common.quantization.structs import QuantizationScheme
    from nncf.quantization.advanced_parameters import QuantizationParameters

    def scheme(symmetric: bool) -> QuantizationScheme:
        return QuantizationScheme.SYMMETRIC if symmetric else QuantizationScheme.ASYMMETRIC

    options = target.quantizer_options
    weights = bool(options.get("WeightSymmetric", target.weight_type == "int8"))
    activations = bool(options.get("ActivationSymmetric", False))
    return {
        "weights_quantization_params": QuantizationParameters(
            mode=scheme(weights), per_channel=target.per_channel
        ),
        "activations_quantization_params": QuantizationParameters(
            mode=scheme(activations), per_channel=False
        ),
    }


def _use_torch_kernels(network: nn.Module, target: Target) -> None:
    """Let torch's own kernels do what NNCF's quantizers say, in ranges that stay.

    NNCF compiles its kernels with a C++ compiler when they first run, and its way to torch's
    (`nncf.strip`) needs torchao and rounds weights for good.
    """
    from nncf.torch.function_hook.wrapper import get_hook_storage
    from nncf.torch.quantization.layers import BaseQuantizer

    hooks = get_hook_storage(network)
    for name, quantizer in list(hooks.named_hooks()):
        assert isinstance(quantizer, BaseQuantizer)  # nothing else was asked for
        weight = WEIGHT.match(name) is not None
        if not weight and target.activation_type == "uint16":
            hooks.set_submodule(name, nn.Identity())  # so fine a grid costs nothing
        else:
            hooks.set_submodule(name, Rounding(quantizer, weight and target.reduce_range))


class Rounding(nn.Module):
    """Rounds a tensor to what integers can hold; gradients pass where it is in their range."""

    scale: Tensor
    zero_point: Tensor

    def __init__(self, quantizer: Any, in_7_bits: bool) -> None:
        super().__init__()
        low, high, scale, zero_point = quantizer.get_parameters_for_torch_fq()
        self.low, self.high = (low // 2, high // 2) if in_7_bits else (low, high)
        shape = quantizer.scale_shape
        self.axis = shape.index(max(shape)) if scale.numel() > 1 else None
        self.register_buffer("scale", 2 * scale if in_7_bits else scale.clone())
        self.register_buffer("zero_point", zero_point.clone())

    def forward(self, values: Tensor) -> Tensor:
        """Return the values rounded, of the same shape."""
        scale, zero_point = self.scale, self.zero_point
        if self.axis is None:
            return torch.fake_quantize_per_tensor_affine(
                values, scale, zero_point, self.low, self.high
            )
        return torch.fake_quantize_per_channel_affine(
            values, scale, zero_point, self.axis, self.low, self.high
        )


def _float_layers(network: nn.Module, spec: ImageSpec) -> list[str]:
    """Return patterns of NNCF's names of the first layer that runs and of the output layers."""
    first = _convolutions_in_order(network, spec)[:1]
    names = {module: name for name, module in network.named_modules()}
    example = blank_image(spec)
    found = [*(names[layer] for layer in first), *output_layers(network, example)]
    return [f"^{re.escape(name.replace('.', '/'))}/.*" for name in found]


def _convolutions_in_order(network: nn.Module, spec: ImageSpec) -> list[nn.Module]:
    ran: list[nn.Module] = []
    with ExitStack() as hooks, evaluating(network), torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                hook = layer.register_forward_pre_hook(lambda module, _inputs: ran.append(module))
                hooks.enter_context(hook)
        network(blank_image(spec))
    return ran


def _tensor(images: Calibration, row: int) -> Tensor:
    return torch.from_numpy(normalise(images.pixels[[row]], images.image))
