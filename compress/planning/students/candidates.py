"""The students that may be made of a teacher, before anything is trained: networks and their files.

All have random weights: what they cost depends on their layers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from torch import nn

from compress.planning.facts import Facts
from compress.pruning.rehearsal import rehearse
from compress.pruning.shrinking import Shrinking, kept_of
from compress.pruning.to_share import Prune, shrinking
from compress.stand_ins import costs
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families
from models.stored import count_macs, count_params, rebuilt

NAMED = (
    "resnet18", "efficientnet_lite0", "mobilenetv2_100", "lcnet_100", "mobilenetv2_050",
    "lcnet_075", "lcnet_050", "mobilenetv3_small_050", "lenet5",
)  # fmt: skip
"""Networks of which little is lost in 8 bits, and which integer kernels make fast."""


@dataclass(frozen=True)
class Candidate:
    """A student that may be made."""

    student: str
    """As the recipe has it: `pruned`, the name of an architecture, or `none`, which leaves it at
    the teacher's own file."""
    told: str
    spec: ImageSpec
    make: Callable[[], nn.Module] | None = None
    """Builds its network, or raises a `UserError`; `None` is the graph of the teacher."""
    share: float | None = None
    """Of the teacher's MACs, where it is pruned."""


@dataclass(frozen=True)
class Counted:
    """A student by name, with what is counted of it."""

    candidate: Candidate
    macs: int
    params: int


@dataclass(frozen=True)
class Ground:
    """The teacher, and what can be made of it."""

    facts: Facts
    spec: ImageSpec
    """Images of the teacher."""
    quantize: bool
    """Whether files are int8."""

    @property
    def graph(self) -> Artifact:
        """The ONNX artifact of a teacher that has no network.

        Raises:
            UserError: there is none yet.
        """
        found = self.facts.start.artifact
        if found is None:
            raise UserError(
                "A file made elsewhere must be adopted before a student is chosen for it",
                got=self.facts.start.model,
                next_step="python -m export.adopt --model FILE --data D --out DIR",
            )
        return found

    @property
    def n_labels(self) -> int:
        """Number of labels of the data."""
        return len(self.facts.context.dataset.label_names)

    @cached_property
    def network(self) -> nn.Module | None:
        """The teacher's network with random weights; `None` where there is only a graph.

        Raises:
            UserError: it cannot be built.
        """
        architecture = self.facts.start.architecture
        return None if architecture is None else self._built(architecture, self.spec)

    @cached_property
    def counts(self) -> tuple[int | None, int | None]:
        """The teacher's multiply-accumulates and parameters; `None` where a graph does not tell."""
        if self.network is not None:
            return count_macs(self.network, self.spec), count_params(self.network)
        found = self.graph.manifest.measurements
        return found.macs, found.params

    def teacher(self, path: Path) -> Artifact:
        """Return an fp32 file of the teacher, written at `path` where it is made.

        Raises:
            UserError: it cannot be exported.
        """
        if self.network is None:
            return self.graph
        return costs.stand_in(self.network, self.spec, quantize=False, path=path)

    def file(self, candidate: Candidate, path: Path) -> Artifact:
        """Return a candidate's stand-in, written at `path` where it is made.

        Raises:
            UserError: its network cannot be made, exported or quantized.
        """
        if candidate.make is not None:
            return costs.stand_in(candidate.make(), candidate.spec, self.quantize, path)
        return costs.stand_in_of(self.graph, path) if self.quantize else self.graph

    def whole(self) -> Candidate:
        """Return the teacher itself, of which no student is made."""
        network = self.network
        make = None if network is None else lambda: network
        return Candidate("none", "the teacher as it is", self.spec, make)

    @cached_property
    def prune(self) -> Prune:
        """What prunes copies of the teacher's network.

        Raises:
            UserError: torch-pruning cannot follow it, or there is none.
        """
        if self.network is None:
            raise UserError("the graph of a file cannot be pruned")
        usual = Shrinking()
        kept = kept_of(self.network, self.spec, usual)
        return shrinking(self.network, self.spec, usual, kept)

    def pruned(self, share: float) -> Candidate:
        """Return the teacher pruned to a share of its MACs."""

        def make() -> nn.Module:
            architecture, network = self.facts.start.architecture, self.network
            assert architecture is not None  # else there is nothing that prunes
            assert network is not None
            build = partial(self._built, spec=self.spec)
            return rehearse(architecture, network, self.prune, (share,), build)

        told = f"the teacher pruned to {100 * share:.4g}% of its MACs"
        return Candidate("pruned", told, self.spec, make, share)

    def scaled(self, side: float) -> ImageSpec:
        """Return the teacher's images with a share of their sides."""
        size = {name: _scaled(getattr(self.spec, name), side) for name in ("height", "width")}
        return self.spec.model_copy(update=size)

    def named(self, spec: ImageSpec) -> tuple[Counted, ...]:
        """Return networks by name for images of a spec, the most MACs first."""
        found = []
        for name in NAMED:
            make = partial(self._built, named(name, spec), spec)
            told = name if spec == self.spec else f"{name} at {spec.height} pixels"
            network = make()
            counts = count_macs(network, spec), count_params(network)
            found.append(Counted(Candidate(name, told, spec, make), *counts))
        return tuple(sorted(found, key=lambda one: -one.macs))

    def _built(self, architecture: Architecture, spec: ImageSpec) -> nn.Module:
        return rebuilt(architecture, self.n_labels, spec)


def named(name: str, spec: ImageSpec) -> Architecture:
    """Return the architecture of a name for images of a spec."""
    architecture = Architecture(name=name)
    return families.in_channels(architecture, 1) if spec.channels == 1 else architecture


def _scaled(pixels: int, side: float) -> int:
    """Return a share of a side in whole strides of 32 pixels, the whole side as it is."""
    return pixels if side == 1 else max(32, int(side * pixels) // 32 * 32)
