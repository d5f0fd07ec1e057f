"""What to do next when no int8 file met its gates."""

from collections.abc import Iterable

from benchmarks.gates import ACCURACY_METRICS
from compress.core.gates import Verdict
from compress.core.manifest import SearchStep

STEPS = 3
ACCURACY = (*ACCURACY_METRICS, "flipped", "parity")
TUNE = "fine-tune the network for int8: --qat 2"


def next_steps(
    verdicts: Iterable[Verdict],
    search: tuple[SearchStep, ...],
    budget_s: float,
    may_tune: bool = False,
) -> tuple[str, ...]:
    """Return the three most useful things to do, none where every gate is met.

    `may_tune` says that the network could be fine-tuned for int8 and was not.

    >>> next_steps((), (), 180.0)
    ()
    """
    missed = [verdict for verdict in verdicts if verdict.outcome != "pass"]
    advice = [step for verdict in missed for step in _for(verdict)]
    if may_tune and any(_costs_accuracy(verdict) for verdict in missed):
        advice.insert(0, TUNE)
    if missed and sum(step.seconds for step in search) >= budget_s:
        advice.insert(0, f"search longer: --budget {2 * max(budget_s, 60) / 60:g}m")
    return tuple(dict.fromkeys(advice))[:STEPS]


def _metric(verdict: Verdict) -> str:
    return verdict.gate.split()[0].partition("[")[0]


def _costs_accuracy(verdict: Verdict) -> bool:
    return _metric(verdict) in ACCURACY and verdict.outcome == "fail"


def _for(verdict: Verdict) -> tuple[str, ...]:
    metric = _metric(verdict)
    if metric == "latency":
        return (
            "ship the float file: --quantize none",
            "prune with --round-to 16: integer kernels want multiples of 16 channels",
            "choose an architecture with ReLU: swish has no integer kernel of its own",
        )
    if metric in ACCURACY:
        if verdict.outcome == "inconclusive":
            return ("measure on more test images: the interval is too wide for the limit",)
        return (
            "calibrate on more images: --calibration-images 1024",
            "train longer or with more weight decay: large weights take the 8 bits of all others",
            "ship the float file: --quantize none, or --quantize fp16 for a GPU",
        )
    if metric == "int8_convs":
        return ("see in the notes which convolutions stayed float, and why",)
    return ()
