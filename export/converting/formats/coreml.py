"""Core ML: Apple devices. Converting works anywhere, running only on a Mac."""

from pathlib import Path
from typing import Any

from edgepress.core.quiet import quiet
from export.converting.formats._format import CannotRunError, Format, Images, Probs, Source

MODEL = "model.mlpackage"
FORMAT = Format(
    name="coreml",
    description="Core ML on iPhone, iPad and Mac (iOS 16, macOS 13 or newer)",
    made_from="torch",
    refusal="Core ML's tools quantize the PyTorch network, its weights alone",
    makes=("int8_weights",),
    packages=("coremltools",),
    extra="coreml",
    apart=True,
)


def write(source: Source, folder: Path) -> None:
    """Write `model.mlpackage`: input `image`, output `probs`, computed in float32.

    Weights are in float32, or in int8 with one scale per output channel.
    """
    with quiet():
        import coremltools

        from export.converting.formats._program import program

        shape = (1, *source.given.manifest.image.shape)
        converted = coremltools.convert(
            program(source).run_decompositions({}),
            inputs=[coremltools.TensorType(name="image", shape=shape)],
            outputs=[coremltools.TensorType(name="probs")],
            compute_precision=coremltools.precision.FLOAT32,
            minimum_deployment_target=coremltools.target.iOS16,
        )
        if source.quantized == "int8_weights":
            converted = _int8_weights(converted)
        converted.save(str(folder / MODEL))


def run(folder: Path, images: Images) -> Probs:
    """Raise: there is no runtime for it here.

    Raises:
        CannotRunError: always.
    """
    raise CannotRunError(
        "Core ML runs on Apple devices only; compare it there before it is shipped"
    )


def _int8_weights(model: Any) -> Any:
    """Return a Core ML model with its weights in int8, but for small ones, as its tools advise."""
    from coremltools.optimize import coreml

    setting = coreml.OpLinearQuantizerConfig(
        mode="linear_symmetric", dtype="int8", granularity="per_channel"
    )
    return coreml.linear_quantize_weights(model, coreml.OptimizationConfig(setting))
