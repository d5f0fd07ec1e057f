"""What a trial costs on this machine, before it has learnt anything and at its end.

Seconds instead of hours: the network of random weights is exported in the precision of the trial
and timed in turn with the teacher's fp32 file. What cannot keep the budgets is not trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from benchmarks.gates.budgets import Budgets
from benchmarks.statistics.sequential import median_interval
from compress.planning.students import fitting
from compress.planning.students.fitting import EXACT, Weight
from compress.pruning.rehearsal import rehearse
from compress.pruning.shrinking import Shrinking, kept_of
from compress.pruning.to_share import shrinking
from compress.searching.space import PRECISION, PRUNED, STUDENT, Choices
from compress.stand_ins import costs, storing, targets
from compress.stand_ins.costs import Times
from compress.students.starting import StudentOptions, start_of
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from edgepress.core.search import TrialRecord
from models.basis.torch_process import seeded
from models.stored import architecture_of, rebuilt


class Figures(Noun):
    """What a file takes on this machine."""

    latency_s: float
    latency_ratio: float
    """Of the teacher's fp32 file's."""
    size_bytes: int
    size_ratio: float
    machine: str
    excess: dict[str, float]
    """By budget: what it takes / what it may take - 1."""


FIGURES = set(Figures.model_fields)


@dataclass(frozen=True)
class Ruler:
    """What files are measured against, all in the same way."""

    teacher: Artifact
    """As it is given, a network or an ONNX file."""
    whole: Artifact
    """Its fp32 file."""
    budgets: Budgets

    @cached_property
    def machine(self) -> str:
        """The kind of this machine."""
        return this_cpu().shown

    def measured(self, file: Artifact) -> tuple[Figures, bool]:
        """Return what a file takes, and whether it is surely too much for the budgets.

        Raises:
            UserError: it does not run, or does not tell what a budget limits.
        """
        times = costs.race((self.whole, file), self._decided)
        weights = (*self._timed(times), *self._weighed(file))
        own = times.medians_s[-1]
        figures = Figures(
            latency_s=float(np.median(own)),
            latency_ratio=median_interval(own / times.medians_s[0])[0],
            size_bytes=file.size_bytes,
            size_ratio=file.size_bytes / self.whole.size_bytes,
            machine=self.machine,
            excess={one.budget.text: one.value / one.budget.limit - 1 for one in weights},
        )
        return figures, fitting.outcome(weights, margin=0) == "fail"

    def _decided(self, times: Times) -> bool:
        return all(one.outcome(0) != "inconclusive" for one in self._timed(times))

    def _timed(self, times: Times) -> list[Weight]:
        return [fitting.timed(one, times) for one in self.budgets.about("latency")]

    def _weighed(self, file: Artifact) -> tuple[Weight, ...]:
        known = file.manifest.measurements
        about = [n for n in EXACT if getattr(known, n) is not None]  # not told of every real file
        others = self.budgets.about(*about, "size", "peak_rss")
        return fitting.weigh(Budgets(each=others), file, self.whole)


def updated(record: TrialRecord, figures: Figures) -> TrialRecord:
    """Return a record with what its file takes; budgets that are not measured anew stay."""
    found = figures.model_dump()
    return record.model_copy(update={**found, "excess": {**record.excess, **figures.excess}})


def stand_in(teacher: Artifact, choices: Choices, options: Mapping[str, Any]) -> Artifact:
    """Return the file that a trial's student will be, of random weights.

    Args:
        teacher: As it is given.
        choices: Of the trial.
        options: By stage (`prune`, `distill`, `export`), those that the choices are.

    Raises:
        UserError: it cannot be made, exported or quantized.
    """
    quantize = choices[PRECISION] == "int8"
    target = targets.find(options["export"].get("target", "auto"), "int8" if quantize else "fp32")
    integers = targets.integers_of(target)
    labels = teacher.manifest.labels.names
    if choices[STUDENT] == PRUNED:
        make, spec, key = _pruned(teacher, options)
    else:
        own = StudentOptions(**_fields(StudentOptions, options["distill"]))
        start = start_of(own, teacher.manifest.image)
        spec, make = start.spec, partial(start.network, labels)
        key = [own.model_dump(mode="json"), start.chosen()]

    def write(path: Path) -> None:
        with seeded(0):
            network = make()
        costs.stand_in(network, spec, quantize, path, integers)

    about = [spec.model_dump(mode="json"), len(labels), quantize, vars(integers)]
    return storing.kept([*key, *about], write)


def _pruned(teacher: Artifact, options: Mapping[str, Any]) -> tuple[Any, ImageSpec, list[object]]:
    """Return what makes the pruned teacher, its images, and what it depends on."""
    own = Shrinking(**_fields(Shrinking, options["prune"]))
    share = float(options["prune"]["macs"])
    architecture, spec = architecture_of(teacher), teacher.manifest.image
    size = options["distill"].get("image_size")
    smaller = spec if size is None else spec.model_copy(update={"height": size, "width": size})

    def make() -> nn.Module:
        build = partial(rebuilt, n_labels=len(teacher.manifest.labels.names), spec=spec)
        network = build(architecture)
        prune = shrinking(network, spec, own, kept_of(network, spec, own))
        return rehearse(architecture, network, prune, (share,), build)

    about = [architecture.model_dump(mode="json"), spec.model_dump(mode="json")]
    return make, smaller, [*about, own.model_dump(mode="json"), share]


def _fields(kind: type[Noun], options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in kind.model_fields}
