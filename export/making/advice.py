"""What to do next when an int8 file missed a gate: only what is true of this network."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from benchmarks.gates.text import metric_in, parse
from edgepress.core import duration
from edgepress.core.gates import Verdict
from edgepress.core.manifest import SearchStep
from export.making.int8.groups import SWISH, float_groups
from models.onnx_graph.index import GraphIndex

STEPS = 3
TUNE = "fine-tune the network for int8: --qat 2"
NOTABLE = 0.05
"""Share of the time from which an operator in float is worth a word."""


@dataclass(frozen=True)
class Facts:
    """What is known of a network, and of how its file was made and measured."""

    budget_s: float
    """Longest search."""
    latency_time_s: float
    """Longest measurement of latency."""
    calibration_images: int
    """Images that were calibrated on."""
    training_images: int
    """Images that could have been."""
    may_tune: bool = False
    """Whether the network could be fine-tuned for int8 and was not."""
    swishes: int = 0
    """Swish activations, which have no integer kernel."""
    odd_convs: int = 0
    """Convolutions whose output channels are no multiple of what the target's kernels want."""
    channel_multiple: int = 1
    float_times: Mapping[str, float] = field(default_factory=dict)
    """Operator that computes in float -> its share of the time, by the profile."""


def facts_of_graph(base: Path, multiple: int) -> dict[str, int]:
    """Return what a float file says: `swishes`, `odd_convs` and `channel_multiple` of `Facts`."""
    model = onnx.load(base)
    index = GraphIndex(model)
    weights = [index.initializers.get(n.input[1]) for n in model.graph.node if n.op_type == "Conv"]
    odd = sum(weight is not None and weight.dims[0] % multiple > 0 for weight in weights)
    gates = float_groups(model).get(SWISH, ())
    return {"swishes": len(gates) // 2, "odd_convs": odd, "channel_multiple": multiple}


def next_steps(
    verdicts: Iterable[Verdict], search: tuple[SearchStep, ...], facts: Facts
) -> tuple[str, ...]:
    """Return the three most useful things to do, none where every gate is met.

    >>> next_steps((), (), Facts(180, 180, 256, 1000))
    ()
    """
    missed = [verdict for verdict in verdicts if verdict.outcome != "pass"]
    advice = [step for verdict in missed for step in _for(verdict, facts)]
    failed = [verdict for verdict in missed if verdict.outcome == "fail"]
    if facts.may_tune and any(_tells_accuracy(verdict) for verdict in failed):
        advice.insert(0, TUNE)
    if failed and search and sum(step.seconds for step in search) >= facts.budget_s:
        longer = duration.shown(2 * max(facts.budget_s, 60))
        advice.insert(0, f"search longer: --budget {longer}")
    return tuple(dict.fromkeys(advice))[:STEPS]


def _tells_accuracy(verdict: Verdict) -> bool:
    metric = metric_in(verdict.gate)
    return metric is not None and metric.about in ("findings", "confidence")


def _for(verdict: Verdict, facts: Facts) -> tuple[str, ...]:
    metric, undecided = metric_in(verdict.gate), verdict.outcome == "inconclusive"
    if metric is None:
        return ()
    if metric.advice:
        return (metric.advice,)
    if metric.about == "time":
        return (_undecided_latency(verdict, facts),) if undecided else (*_slow(verdict, facts),)
    if _tells_accuracy(verdict) and undecided:
        ends = _ends(verdict, 100, "%")
        return (f"measure on more test images: the limit lies within the 95% interval{ends}",)
    return (*_inaccurate(facts),) if _tells_accuracy(verdict) else ()


def _undecided_latency(verdict: Verdict, facts: Facts) -> str:
    """Return what would decide a gate: nothing is known to be wrong with the file."""
    if "software adapter" in verdict.reason:
        return "measure on the device itself: a software adapter's times say nothing about it"
    longer = duration.shown(2 * max(facts.latency_time_s, 60))
    away = ""
    limit = parse(verdict.gate).limit
    if verdict.measured:
        away = f", and the limit of {limit:g} is "
        away += f"{100 * abs(math.log(verdict.measured / limit)):.1f}% from what was measured"
    ends = _ends(verdict, 1, "")
    return (
        f"measure again on a quieter machine, or longer: --latency-time {longer} (nothing is "
        f"decided{', the interval is' + ends if ends else ''}{away})"
    )


def _slow(verdict: Verdict, facts: Facts) -> Iterator[str]:
    """Yield what makes a file slow that was measured to be slow."""
    speedup = "speedup" in verdict.gate
    if speedup and verdict.measured is not None and verdict.measured < 1:
        yield "ship the float file, which is faster here: --quantize none"
    for kind, share in list(facts.float_times.items())[:1]:
        if share >= NOTABLE:
            yield f"{kind} computes in float and takes {100 * share:.0f}% of the time, most of all"
    if facts.swishes:
        yield (
            f"choose an architecture without swish: none of its {facts.swishes} swish activations "
            "has an integer kernel"
        )
    if facts.odd_convs and facts.channel_multiple > 1:
        yield (
            f"prune with --round-to {facts.channel_multiple}: the channels of {facts.odd_convs} "
            f"convolutions are not multiples of {facts.channel_multiple}, as fast integer kernels "
            "want them"
        )


def _inaccurate(facts: Facts) -> Iterator[str]:
    more = min(4 * facts.calibration_images, facts.training_images)
    if more > facts.calibration_images:
        yield f"calibrate on more images: --calibration-images {more}"
    yield "ship the float file, which loses nothing: --quantize none"


def _ends(verdict: Verdict, factor: float, unit: str) -> str:
    if verdict.ci95 is None:
        return ""
    low, high = (factor * end for end in verdict.ci95)
    return f" {low:.3g} to {high:.3g}{unit}"
