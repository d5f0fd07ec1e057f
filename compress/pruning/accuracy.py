"""Which rounds of pruning keep what is demanded of accuracy, judged on validation images."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import nn

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.gates.checks import needs_reference
from benchmarks.gates.text import tells_accuracy
from benchmarks.gates.verdicts import Subject, check_all, parse
from compress.learning.finish import Trained, drafted
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.manifest import Architecture
from edgepress.core.results import EvalResult
from edgepress.core.stage import Plan
from edgepress.data.context import Context


def drops(gates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the gates that limit what is lost of the accuracy of the unpruned network."""
    return tuple(one for one in gates if tells_accuracy(one) and needs_reference(parse(one)))


@dataclass(frozen=True)
class Judge:
    """What rounds are judged by."""

    plan: Plan
    context: Context
    gates: tuple[str, ...]
    """On what is lost of the unpruned network's accuracy."""
    folder: Path
    """For the networks that are judged."""

    def holds(self, network: nn.Module, architecture: Architecture) -> bool:
        """Tell whether a round keeps the gates, by its figures on the validation part.

        The interval is left to the gate on the test part: here the question is where to stop.

        Raises:
            UserError: a gate that cannot be understood.
        """
        parent = self.plan.parents[0]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        draft = drafted(
            self.plan, Trained(network, architecture, parent), self.context, self.folder
        )
        candidate = Subject(draft, self._evaluated(draft))
        verdicts = check_all(self.gates, candidate, Subject(parent, self._before))
        kept = all(
            one.measured is not None and one.measured <= parse(one.gate).limit for one in verdicts
        )
        told = "; ".join(f"{one.gate}: {one.reason}" for one in verdicts)
        console.say(f"  on validation images {'kept' if kept else 'not kept'}: {told}")
        return kept

    @cached_property
    def _before(self) -> EvalResult:
        """What the unpruned network finds on the same images."""
        return self._evaluated(self.plan.parents[0])

    def _evaluated(self, model: Artifact) -> EvalResult:
        settings = EvalSettings(provider="torch", views=self.context.views)
        return evaluate(model, self.context.dataset, self.context.images("val"), settings)


def judge_of(plan: Plan, context: Context, gates: tuple[str, ...], workdir: Path) -> Judge | None:
    """Return what judges rounds; `None` where no gate limits a drop, or no images are for it."""
    wanted = drops(gates)
    if not wanted or not len(context.rows("val")):
        return None
    return Judge(plan, context, wanted, workdir / "passing" / "judged")
