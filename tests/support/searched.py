"""A search that never was: its trials, and the report of its finalists."""

import math

import numpy as np
from report_sample import FP32, INT8, full_report

from benchmarks.report.schema import Report
from edgepress.core.gates import Verdict
from edgepress.core.search import Finalist, SearchRecord, TrialRecord

COMMAND = "python -m compress.distill --teacher runs/teacher --student lcnet_050 --judged-on val"


def trial(number: int, rng: np.random.Generator) -> TrialRecord:
    """Return a trial whose accuracy grows with its cost, its image size and its rate."""
    pruned = bool(rng.random() < 0.5)
    size, rate = int(rng.choice([96, 128, 160, 224])), float(10 ** rng.uniform(-3.3, -2.2))
    share = float(rng.uniform(0.05, 0.7))
    own = {"share": share} if pruned else {"width": float(rng.choice([0.35, 0.5, 1.0]))}
    latency = 6e-3 * (size / 224) ** 2 * (share if pruned else 0.4 * own["width"]) + 1e-4
    accuracy = 0.95 + 0.03 * math.log10(latency / 6e-3) - 0.02 * (math.log10(rate) + 2.6) ** 2
    state = "infeasible" if latency > 2e-3 else "pruned" if rng.random() < 0.4 else "complete"
    return TrialRecord(
        number=number,
        state=state,
        choices={"student": "pruned" if pruned else "lcnet_050", **own, "image_size": size,
                 "learning_rate": rate, "precision": "int8"},
        epochs={"infeasible": 0, "pruned": 8, "complete": 24}[state],
        map=None if state == "infeasible" else accuracy - 0.02 * (state == "pruned"),
        latency_s=latency,
        latency_ratio=latency / 8e-3,
        size_bytes=int(2e5 + 4e8 * latency),
        machine="AMD EPYC (AVX-512 VNNI)",
        excess={"latency <= 2ms": latency / 2e-3 - 1},
        seconds=60.0 * (number + 1),
        reason="its untrained network exceeds the budget" if state == "infeasible" else None,
        commands=() if state == "infeasible" else (COMMAND, COMMAND.replace("distill", "again")),
        folder=f"trials/{number:04d}",
    )  # fmt: skip


def record(trials: int = 30) -> SearchRecord:
    """Return a search with two finalists, of which the second is handed over."""
    rng = np.random.default_rng(3)
    made = tuple(trial(number, rng) for number in range(trials))
    whole = sorted((one for one in made if one.state == "complete"), key=lambda one: -one.map)
    passed = Verdict(gate="map drop <= 0.01", against="teacher", outcome="pass", measured=0.004,
                     reason="mAP drops by 0.40 points")  # fmt: skip
    failed = passed.model_copy(update={"outcome": "fail"})
    return SearchRecord(
        budgets=("latency <= 2ms", "size <= 1MB"),
        gates=("map drop <= 0.01",),
        space={"student": "pruned, lcnet_050", "share": "0.05 to 0.7, in logarithms"},
        seed=0,
        hours=8.0,
        spent_s=28_400.0,
        teacher_map=0.955,
        teacher_size_bytes=13_500_000,
        teacher_latency_s=8e-3,
        trials=made,
        finalists=(
            Finalist(trial=whole[0].number, why="best mAP", verdicts=(failed,), model=FP32),
            Finalist(trial=whole[1].number, why="fastest", verdicts=(passed,), model=INT8),
        ),
        shipped=whole[1].number,
    )


def searched_report() -> Report:
    """Return the report of the finalists."""
    return full_report().model_copy(update={"searched": record()})
