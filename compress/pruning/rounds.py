"""A plan is carried out in rounds: channels go, batch norms settle, what is left learns."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field
from torch import nn

from compress.learning import options as training_options
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training_data import training_images
from compress.learning.views.options import longer
from compress.pruning import importance
from compress.pruning.accuracy import Judge
from compress.pruning.allocation import Plan
from compress.pruning.budget.options import Options
from compress.pruning.channels import Widths, prune_to
from compress.pruning.gradients import Sample, informed
from compress.pruning.recalibration import recalibrate_batchnorm
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from edgepress.data.context import Context
from models.basis.torch_process import seeded
from models.blank import blank_image
from models.pruning_history import History


class RoundOptions(Teaching, Options):
    """How much is to go, and how what is left is tuned."""

    rounds: int = Field(3, ge=1, le=100)
    """Rounds of pruning and tuning."""


def check_tuning(config: RoundOptions) -> None:
    """Refuse settings of a training that a tuning has no use for.

    Raises:
        UserError: there is one.
    """
    training_options.check(config)
    if config.frozen_epochs:
        raise UserError(
            "--frozen-epochs is for a new output layer; what is pruned has to learn in all layers",
            got=f"--frozen-epochs {config.frozen_epochs}",
            next_step="leave it out",
        )


@dataclass(frozen=True)
class Round:
    """A network after a round."""

    number: int
    """From 1; 0 before all of them."""
    network: nn.Module
    architecture: Architecture
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Rounds:
    """What all rounds share."""

    config: RoundOptions
    context: Context
    workdir: Path
    judge: Judge | None
    """Of what is lost of the accuracy, where a gate limits it."""

    def sample(self) -> Sample:
        """Return the images that an importance of the data is measured on."""
        config, images = self.config, training_images(self.context)
        return Sample(images, config.importance_images, config.batch_size, config.seed)

    def prune(self, widths: Widths, network: nn.Module, plan: Plan) -> History:
        """Narrow a network to the widths of a plan, in place.

        Raises:
            UserError: what is left does not fit together.
        """
        with informed(network, importance.needs(widths.importance), self.sample):
            return prune_to(network, blank_image(self.context.spec), plan, widths)

    def tuned(
        self, start: Round, teacher: nn.Module, widths: Widths, plans: Sequence[Plan]
    ) -> Round:
        """Return the last round that keeps the accuracy, and where none does the last one.

        Args:
            start: What is pruned; it is changed.
            teacher: The unpruned network.
            widths: What may go.
            plans: Widths after each round.

        Raises:
            UserError: as `prune`, or a loss that is not finite.
        """
        images, last = training_images(self.context, self.config.soft_labels), start
        best = None
        for number, plan in enumerate(plans, 1):
            console.say(f"round {number}/{len(plans)}")
            scratch = self.workdir / "scratch" / str(number)
            scratch.mkdir(exist_ok=True)
            with seeded(self.config.seed + number):
                history = self.prune(widths, last.network, plan)
                recalibrate_batchnorm(last.network, images, self.config)
                student = Student(last.network, self.context.spec)
                fitted = teach(student, teacher, images, longer(self.config), scratch)
            pruned = _longer(last.architecture, history)
            last = Round(number, fitted.network, pruned, fitted.notes)
            if self.judge and len(plans) > 1 and self.judge.holds(last.network, pruned):
                best = replace(last, network=copy.deepcopy(last.network))
        return best or last


def _longer(architecture: Architecture, history: History) -> Architecture:
    """Return an architecture of which more was pruned."""
    whole = (*architecture.pruning_history, *history)
    return architecture.model_copy(update={"pruning_history": whole})
