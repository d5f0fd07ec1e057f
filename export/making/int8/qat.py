"""Quantization-aware fine-tuning: float weights that lose less when they are rounded to 8 bits.

NNCF puts fake quantization into a network, as the target has it, and the network is fine-tuned with
the float one as its teacher (Jacob et al. 2018, arXiv 1712.05877, section 3). Only the fine-tuned
float weights leave: they are exported and searched on like any other float network.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training_data import training_images
from edgepress.core.artifact import Artifact
from edgepress.data.context import Context
from export.making.int8.batch_norms import with_absorbed_norms
from export.making.int8.calibration import Calibration
from export.making.int8.fake_quantization import fake_quantized
from export.making.int8.last_resort import Tuner
from export.making.job import Job
from export.targets._target import Target
from models.checkpoint import put_into
from models.onnx_graph.write import to_onnx
from models.stored import load_network

LEARNING_RATE = 5e-5
"""Peak of the one-cycle schedule: weights move by fractions of a step of their integers."""
BATCH = 16


@dataclass(frozen=True)
class Tuning:
    """A float network that may be tuned, and by what."""

    parent: Artifact
    target: Target
    calibration: Calibration
    """Ranges of the fake quantization are taken from these."""
    context: Context
    """Its training part is tuned on."""
    settings: Teaching


def tuner(job: Job, calibration: Calibration) -> Tuner:
    """Return what fine-tunes the network of an export on the training part of its data."""
    config, parent = job.config, job.parent
    how = settings(config.qat, len(job.context.rows("train")), config.seed)
    tuning = Tuning(parent, job.target, calibration, job.context, how)
    return Tuner(config.qat, partial(write_tuned, tuning))


def settings(epochs: int, images: int, seed: int) -> Teaching:
    """Return how a network is fine-tuned on a number of images.

    What int8 has to keep is the float network as it is: the teacher is all that is learnt from,
    and the images are those that the network will see, without mixtures or distortions, for which
    the ranges of its activations were not taken.
    """
    return Teaching(
        epochs=epochs,
        batch_size=max(2, min(BATCH, images)),
        learning_rate=LEARNING_RATE,
        warmup_share=0.3,  # of no number of steps exactly 1, by which less 1 torch divides
        weight_decay=0,
        mixup=0,
        augmentation=0,
        hard_share=0,
        seed=seed,
    )


def write_tuned(tuning: Tuning, scratch: Path, out: Path) -> None:
    """Fine-tune a network for the integers of a target and export it in float.

    Raises:
        UserError: fewer images than one batch, or a loss that is not finite.
    """
    spec = tuning.parent.manifest.image
    network = tune(load_network(tuning.parent), tuning, scratch)
    fresh = load_network(tuning.parent)
    fresh.load_state_dict(network.state_dict())
    to_onnx(fresh.eval(), spec, out)


def tune(network: nn.Module, tuning: Tuning, scratch: Path) -> nn.Module:
    """Return a network of the same layers with fine-tuned weights, in float and in eval mode.

    Raises:
        UserError: fewer images than one batch, or a loss that is not finite.
    """
    spec = tuning.calibration.image
    plain = with_absorbed_norms(network, spec)
    # Still first: NNCF adds a module to the outermost one, which a Sequential would run.
    student = fake_quantized(_Still(deepcopy(plain)), tuning.target, tuning.calibration)
    pupil = Student(student, spec)
    teacher = _Still(deepcopy(plain))
    images = training_images(tuning.context)
    taught = teach(pupil, teacher, images, tuning.settings, scratch).network
    tuned = taught.get_submodule("network").state_dict()
    put_into(plain, {name: tuned[name] for name in plain.state_dict()})
    return plain.requires_grad_(True).eval()


class _Still(nn.Module):
    """A network that stays as it will be used while it is trained.

    Batch norms keep their statistics, which the float file has, and nothing is dropped out.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.train()

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of images `[n, c, h, w]`."""
        logits: Tensor = self.network(image)
        return logits

    def train(self, mode: bool = True) -> "_Still":
        """Stay in eval mode, whatever is asked for."""
        return super().train(False)
