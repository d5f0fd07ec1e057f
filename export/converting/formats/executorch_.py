"""ExecuTorch: Android, iOS and embedded Linux; convolutions by XNNPACK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepress.core.quiet import quiet
from export.converting.formats._format import Format, Images, Probs, Source

if TYPE_CHECKING:
    from export.making.int8.calibration import Calibration

MODEL = "model.pte"
FORMAT = Format(
    name="executorch",
    description="ExecuTorch on Android, iOS and embedded Linux (XNNPACK)",
    made_from="torch",
    refusal="ExecuTorch quantizes the PyTorch network with tools of its own",
    makes=("int8",),
    packages=("executorch", "torchao"),
    extra="executorch",
    apart=True,
)


def write(source: Source, folder: Path) -> None:
    """Write `model.pte`: method `forward`, float32 in and out."""
    with quiet():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        from export.converting.formats._program import program

        made = program(source)
        if source.calibration is not None:
            made = _quantized(made, source.calibration)
        lowered = to_edge_transform_and_lower(
            made, partitioner=[XnnpackPartitioner()]
        ).to_executorch()
    (folder / MODEL).write_bytes(lowered.buffer)


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of network inputs."""
    import torch

    with quiet():
        from executorch.runtime import Runtime

        loaded = Runtime.get().load_program(folder / MODEL)
        forward = loaded.load_method("forward")
    # Outputs are the method's own memory, which the next image overwrites.
    rows = [forward.execute([torch.from_numpy(image)])[0].numpy().copy() for image in images]
    return np.concatenate(rows)


def _quantized(exported: Any, images: Calibration) -> Any:
    """Return a program that XNNPACK computes in int8, with float32 in and out.

    Weights have one scale per output channel. The first layer and the last stay float.
    """
    import torch
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    from export.converting.formats._xnnpack_quantizer import ClampingQuantizer

    with torch.no_grad():
        observed = prepare_pt2e(exported.module(), ClampingQuantizer())
        for image in images.inputs():
            observed(torch.from_numpy(image))
        return torch.export.export(convert_pt2e(observed), exported.example_inputs[0])
