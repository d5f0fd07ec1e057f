"""A PyTorch network becomes a plain ONNX file that old runtimes on devices can read."""

import importlib
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from torch import nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.quiet import quiet
from models.basis.torch_process import evaluating
from models.blank import blank_image
from models.network_reading import probabilities
from models.onnx_graph import average_pool
from models.onnx_graph.index import graphs
from models.precision import NEXT

INPUT, OUTPUT = "image", "probs"
# Opset 18 is what torch's exporter writes natively; ONNX Runtime reads it since 1.14 (2023). The
# exporter stamps IR version 10, which only ONNX Runtime 1.18 and later open; nothing that IR 9 or
# 10 brought is left in the file after `_strip`, so it is stamped with the IR version of opset 18.
OPSET = 18
IR_VERSION = 8


class WithSigmoid(nn.Module):
    """A network whose outputs are probabilities instead of logits.

    One that returns probabilities itself keeps its own: there is nothing to take back.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return probabilities `[n, labels]` of images `[n, c, h, w]`."""
        return probabilities(self.network, image)


def to_onnx(network: nn.Module, spec: ImageSpec, path: Path) -> None:
    """Write a network that returns logits as an ONNX file that returns probabilities.

    The batch is fixed at 1, batch norms are folded into their convolutions, and the weights are in
    the file itself.

    Raises:
        UserError: the network has an operation that cannot be exported.
    """
    probs_to_onnx(WithSigmoid(network), spec, path)


def probs_to_onnx(network: nn.Module, spec: ImageSpec, path: Path, traced: bool = False) -> None:
    """Write a network that returns probabilities, as `to_onnx` does.

    `traced` is for networks that hold TorchScript, which torch.export does not take.

    Raises:
        UserError: the network has an operation that cannot be exported.
    """
    with evaluating(network):
        model = (_export_traced if traced else _export)(network, spec)
    average_pool.apply(model)
    _strip(model)
    _check(model)
    onnx.save(model, path)


def _export(network: nn.Module, spec: ImageSpec) -> onnx.ModelProto:
    # dynamo=True: the TorchScript exporter (dynamo=False) still works in torch 2.13 and is faster
    # (0.9 s against 4.6 s for EfficientNet-Lite0), but torch announces its removal. Its one gain,
    # GlobalAveragePool for AdaptiveAvgPool2d, does not cover `mean((2, 3))`, as in timm's
    # squeeze-excite, so `average_pool` is needed after either.
    example = blank_image(spec)
    try:
        with quiet(), torch.no_grad():
            _read_operations_once()
            program = torch.onnx.export(
                network,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise _refusal(error) from error
    assert program is not None  # it is None only for the TorchScript exporter
    return program.model_proto


@cache
def _read_operations_once() -> None:
    """Have torch's exporter read the source of its 500 operations once, not anew for each file.

    That takes 2 s of a CPU, more than the rest of a small network's export. What is changed is not
    public (torch 2.13): where it is another, each file takes as long as the first.
    """
    with suppress(ImportError, AttributeError):
        apis = importlib.import_module("torch.onnx._internal._lazy_import").onnxscript_apis
        apis.get_torchlib_ops = cache(apis.get_torchlib_ops)


def _export_traced(network: nn.Module, spec: ImageSpec) -> onnx.ModelProto:
    """Export by torch's older exporter, the only one that takes TorchScript, as long as it lasts.

    It takes a script, but no module that holds one, so the module is traced into a script first.
    """
    example = blank_image(spec)
    try:
        with TemporaryDirectory(prefix="edgepress-") as folder, quiet(), torch.no_grad():
            torch.onnx.export(
                torch.jit.trace(network, example),  # type: ignore[no-untyped-call]
                (example,),
                file := Path(folder) / "traced.onnx",
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamo=False,
            )
            return onnx.load(file)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise _refusal(error) from error


def _check(model: onnx.ModelProto) -> None:
    """Refuse a file that no runtime would read.

    Raises:
        UserError: it is one, as where layers compute in bfloat16.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(
            f"The network became no valid ONNX file ({' '.join(str(error).split())})",
            next_step=NEXT,
        ) from None


def _refusal(error: Exception) -> UserError:
    cause = error.__cause__ or error
    text = str(cause).strip()
    operation = re.search(r"target=torch\.ops\.(\w+\.\w+)", text)
    if operation is not None:  # the rest is how its exporter names its own parts
        reason = f"it has no way to write {operation[1]} as it is used here"
    else:
        reason = f"{type(cause).__name__}: {(text.splitlines() or ['no reason given'])[0]}"
    return UserError(
        f"torch.onnx cannot export this network ({reason})",
        next_step="replace the operation in the network; control flow that depends on the "
        "values of a tensor is the usual cause",
    )


def _strip(model: onnx.ModelProto) -> None:
    """Remove stack traces with local paths, and shapes that a rewrite may have made stale."""
    described = [model, *graphs(model.graph)]
    for graph in graphs(model.graph):
        described += [*graph.node, *graph.input, *graph.output, *graph.initializer]
        del graph.value_info[:]
    for part in described:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.ir_version = IR_VERSION
