"""How a network is trained: what its commands and its lessons take from the command line."""

from typing import Literal

from pydantic import ConfigDict, Field

from compress.learning import optimizers, sampling, schedules
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun


class Optimizing(Noun):
    """How weights move."""

    model_config = ConfigDict(allow_inf_nan=False)

    optimizer: str = "adamw"
    """`adamw`, `adam`, `sgd`, `rmsprop`, or another file of compress/learning/optimizers."""
    learning_rate: float = Field(1.5e-3, gt=0)
    """Peak of the schedule. SGD wants some ten times as much."""
    schedule: str = "one-cycle"
    """`one-cycle`, `cosine`, `step`, `plateau` (a tenth where mAP on validation stands still), or
    another file of compress/learning/schedules."""
    warmup_share: float = Field(0.2, gt=0, lt=1)
    """Share of all steps in which the learning rate rises."""
    weight_decay: float = Field(0.05, ge=0)
    """Decay of convolution and linear weights, as the optimizer has it; biases and batch-norm have
    none."""
    l1: float = Field(0.0, ge=0)
    """Weight of the sum of the absolute values of these weights in the loss; 0 is none."""
    clip_norm: float = Field(0.0, ge=0)
    """Longest gradient of a step, over all weights; 0 is any."""
    accumulation: int = Field(1, ge=1)
    """Batches whose gradients are averaged for a step, as for a batch so many times as large."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor of the learning rate from each block of layers to the one before it, e.g. 0.8; 1 is
    one rate for all."""
    frozen_epochs: int = Field(0, ge=0)
    """Epochs at first in which only the output layer learns, for a new one on a trained network."""


class Regularising(Noun):
    """What keeps a network from learning the images by heart."""

    model_config = ConfigDict(allow_inf_nan=False)

    dropout: float | None = Field(None, ge=0, lt=1)
    """Share of the values that each dropout layer leaves out (default: as the network is built)."""
    drop_path: float | None = Field(None, ge=0, lt=1)
    """Share of the images for which the last residual block is left out, earlier ones less often
    (default: as the network is built)."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """How far targets are moved from 0 and 1 towards a half: 0.1 makes them 0.05 and 0.95."""
    ema_share: float = Field(0.1, ge=0, lt=1)
    """Span of the moving average of weights, as a share of all steps; 0 turns it off."""
    mixup: float = Field(0.2, ge=0)
    """Beta parameter of mixup; 0 turns it off."""
    mixup_probability: float = Field(0.5, ge=0, le=1)
    """Share of batches that are mixed."""
    augmentation: float = Field(1.0, ge=0, le=5)
    """Strength of small turns, shifts, scalings and brightness changes; 0 leaves only the views."""


class Drawing(Noun):
    """What is shown of the training images, and as what."""

    sampling: str | None = None
    """For labels that are not alike frequent: `class-aware`, `repeat-factor=0.1` (the share below
    which a label is rare), `ml-ros=0.25` or `ml-rus=0.25` (the share of images that are cloned or
    left out). Default: each image once in an epoch."""
    soft_labels: bool = False
    """Learn from annotators' probabilities, 0 to 1, in columns LABEL_probability of the data's
    table; what is measured is measured by the labels themselves."""


class Training(Drawing, Regularising, Optimizing):
    """How a network is trained; the stages add these options to their own."""

    epochs: int = Field(20, ge=0, le=10_000)
    """Passes over the training images."""
    batch_size: int = Field(32, ge=2)
    """Images per step and process."""
    stop_early: int = Field(0, ge=0)
    """Epochs without a better mAP on validation images after which training stops, with the weights
    of the best epoch; 0 goes through all."""
    mixed_precision: Literal["no", "fp16", "bf16"] = "no"
    """Accelerate's mixed precision."""
    seed: int = 0
    """Seed of everything random; two runs with one seed on one machine give the same weights."""

    @property
    def judged(self) -> bool:
        """Whether the network is measured on validation images after every epoch."""
        return bool(self.epochs) and (self.stop_early > 0 or schedules.judged(self.schedule))


def check(options: Training) -> None:
    """Refuse names that there are not, and what cannot be meant.

    Raises:
        UserError: there is such a thing.
    """
    optimizers.find(options.optimizer)
    schedules.find(options.schedule)
    sampling.identity(options.sampling)
    if options.frozen_epochs > options.epochs > 0:
        raise UserError(
            "The output layer would learn alone for longer than the whole training",
            got=f"--frozen-epochs {options.frozen_epochs}, --epochs {options.epochs}",
            allowed=f"at most {options.epochs}",
        )


def identity(options: Training) -> dict[str, str]:
    """Return hashes of what the options name.

    Raises:
        UserError: there is no such thing.
    """
    return {
        "optimizer": optimizers.identity(options.optimizer),
        "schedule": schedules.identity(options.schedule),
        **sampling.identity(options.sampling),
    }
