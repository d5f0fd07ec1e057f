"""Core ML: Apple devices. Converting works anywhere, running only on a Mac."""

from pathlib import Path

from compress.core.quiet import quiet
from export.formats._format import CannotRunError, Format, Images, Probs, Source
from export.formats._program import program

MODEL = "model.mlpackage"
FORMAT = Format(
    name="coreml",
    description="Core ML on iPhone, iPad and Mac (iOS 16, macOS 13 or newer)",
    made_from="torch",
    refusal="Core ML compresses weights with tools of its own, coremltools.optimize",
    packages=("coremltools",),
    extra="coreml",
)


def write(source: Source, folder: Path) -> None:
    """Write `model.mlpackage`: input `image`, output `probs`, computed in float32."""
    with quiet():
        import coremltools

        image = source.given.manifest.image
        shape = (1, 3, image.height, image.width)
        converted = coremltools.convert(
            program(source).run_decompositions({}),
            inputs=[coremltools.TensorType(name="image", shape=shape)],
            outputs=[coremltools.TensorType(name="probs")],
            compute_precision=coremltools.precision.FLOAT32,
            minimum_deployment_target=coremltools.target.iOS16,
        )
        converted.save(str(folder / MODEL))


def run(folder: Path, images: Images) -> Probs:
    """Raise: there is no runtime for it here.

    Raises:
        CannotRunError: always.
    """
    raise CannotRunError(
        "Core ML runs on Apple devices only; compare it there before it is shipped"
    )
