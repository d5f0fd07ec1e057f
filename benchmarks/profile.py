"""`python -m benchmarks.profile` tells which operators of a model cost what."""

import sys
from itertools import groupby
from typing import Annotated

import numpy as np
import tyro
from pydantic import Field

from benchmarks.evaluation.candidates import open_model
from benchmarks.runtimes import _session
from benchmarks.runtimes._profile import NodeTime, profile
from benchmarks.timing.alone import others_running
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from models.defaults import ModelPath, default_model

MOST_COSTLY = 10
_WAITS_FOR_ITS_OPERATORS = {"CPUExecutionProvider", "XnnpackExecutionProvider"}


class Config(Noun):
    """Print the time of a model's operators, by type and for the most costly nodes."""

    model: Annotated[ModelPath, tyro.conf.Positional] = Field(
        default_factory=lambda: default_model("onnx")
    )
    """Artifact or `.onnx` file (default: the newest ONNX artifact under runs/, else the zoo's)."""
    provider: str = "cpu"
    """One of ONNX Runtime's providers (`python -m benchmarks.runtimes` lists them)."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference."""


class TypeTime(Noun):
    """What all nodes of one operator type on one provider cost together."""

    op_type: str
    provider: str
    count: int
    seconds: float
    """Per run."""


def run(config: Config) -> tuple[NodeTime, ...]:
    """Profile the model, print two tables, and return the nodes, the most costly first.

    Raises:
        UserError: the model or the runtime cannot be opened, or the runtime does not tell the time
            of its operators.
    """
    model = open_model(config.model)
    with others_running():
        nodes = _nodes(model, config)
    if {node.provider for node in nodes} - _WAITS_FOR_ITS_OPERATORS:
        console.warn(
            "a device may go on with an operator while the next one starts: these are then the "
            "times to hand the work over, not to do it"
        )
    by_cost = sorted(nodes, key=lambda node: node.seconds, reverse=True)
    total = sum(node.seconds for node in nodes)
    console.table(
        f"Operators of {model.name}, {1e3 * total:.3f} ms per run together",
        ("operator", "count", "ms per run", "share", "provider"),
        [
            (one.op_type, str(one.count), *_cost(one.seconds, total), one.provider)
            for one in by_type(nodes)
        ],
    )
    console.table(
        f"The {min(MOST_COSTLY, len(by_cost))} most costly of {len(by_cost)} nodes",
        ("node", "operator", "ms per run", "share", "provider"),
        [
            (node.name, node.op_type, *_cost(node.seconds, total), node.provider)
            for node in by_cost[:MOST_COSTLY]
        ],
    )
    return tuple(by_cost)


def by_type(nodes: tuple[NodeTime, ...]) -> tuple[TypeTime, ...]:
    """Return the nodes summed by operator type and provider, the most costly first."""

    def kind(node: NodeTime) -> tuple[str, str]:
        return node.op_type, node.provider

    groups = [(key, list(group)) for key, group in groupby(sorted(nodes, key=kind), key=kind)]
    sums = [
        TypeTime(
            op_type=op_type,
            provider=provider,
            count=len(group),
            seconds=sum(node.seconds for node in group),
        )
        for (op_type, provider), group in groups
    ]
    return tuple(sorted(sums, key=lambda one: one.seconds, reverse=True))


def _nodes(model: Artifact, config: Config) -> tuple[NodeTime, ...]:
    name = _session.name_for(model, config.provider)
    spec = model.manifest.image
    session = _session.find(name).open_session(model, config.threads)
    image = np.random.default_rng(0).standard_normal((1, *spec.shape), np.float32)
    nodes = profile(session, image)
    if nodes is None:
        raise UserError(
            "The runtime does not tell the time of its operators",
            got=name,
            allowed="a provider of ONNX Runtime and an ONNX model, e.g. --provider cpu",
        )
    return nodes


def _cost(seconds: float, total: float) -> tuple[str, str]:
    share = "-" if total == 0 else f"{100 * seconds / total:.1f}%"
    return f"{1e3 * seconds:.3f}", share


if __name__ == "__main__":
    sys.exit(main(Config, run))
