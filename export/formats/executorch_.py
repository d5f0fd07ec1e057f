"""ExecuTorch: Android, iOS and embedded Linux; convolutions by XNNPACK."""

from pathlib import Path

import numpy as np

from compress.core.quiet import quiet
from export.formats._format import Format, Images, Probs, Source
from export.formats._program import program

MODEL = "model.pte"
FORMAT = Format(
    name="executorch",
    description="ExecuTorch on Android, iOS and embedded Linux (XNNPACK)",
    made_from="torch",
    refusal="ExecuTorch quantizes the PyTorch network with tools of its own",
    packages=("executorch",),
    extra="executorch",
)


def write(source: Source, folder: Path) -> None:
    """Write `model.pte`: method `forward`."""
    with quiet():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        lowered = to_edge_transform_and_lower(
            program(source), partitioner=[XnnpackPartitioner()]
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
