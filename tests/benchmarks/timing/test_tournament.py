"""Latency in real processes: a model equals itself, and a planted slowdown is caught."""

import os
import subprocess
import sys

import numpy as np
import pytest
from colours import MakeModel

from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.timing.percentiles import p50_s, p90_rank, p90_s, setting
from benchmarks.timing.tournament import LatencySettings, measure
from benchmarks.timing.worker import peak_rss_bytes
from edgepress.core.errors import UserError
from edgepress.core.hashing import ROOT
from edgepress.core.results import LatencyResult

QUICK = LatencySettings(
    rounds_min=8, rounds_max=8, blocks=2, block_s=0.01, warmup_s=0.05, budget_s=0
)
"""Two models and the reference once more have blocks of six rounds: two of them."""


@pytest.mark.timing
def test_planted_slowdown_is_caught_and_a_model_equals_itself(make_model: MakeModel) -> None:
    fast, slow = make_model("fast", convs=2), make_model("slow", convs=6)
    tournament = measure((fast, slow), QUICK)
    aa, (aa_low, aa_high) = tournament.aa
    assert aa == pytest.approx(1, abs=0.3)
    ratio, (low, high) = tournament.speedup(1)
    assert low <= ratio <= high < min(0.8, aa_low)
    assert tournament.speedup(0) == (1.0, (1.0, 1.0))
    assert tournament.aa != tournament.speedup(0), "its other run, not itself"
    reference, candidate = (
        Subject(model, latency=result)
        for model, result in zip((fast, slow), tournament.results, strict=True)
    )
    evidence = Evidence(candidate, reference, (aa_low, aa_high))
    assert verdicts.check(verdicts.parse("latency speedup >= 1"), evidence).outcome == "fail"

    result = tournament.reference
    assert (result.provider_opened, result.node_share) == ("CPUExecutionProvider", 1.0)
    assert setting(result) == "cpu:1"
    assert len(result.block_medians_s) == 12
    assert 0 < p50_s(result) < 1
    assert result.load_s > 0
    assert result.warmup_runs >= 9
    assert result.environment["baseline_rss_bytes"] < result.peak_rss_bytes < 1e9
    assert len(result.environment["cpus"]) == 1
    assert result.environment["waiting_threads"] == "one thread"


def test_worker_says_what_is_wrong(make_model: MakeModel) -> None:
    artifact = make_model("model")
    artifact.weights.write_bytes(b"altered")
    with pytest.raises(UserError, match="was altered"):
        measure((artifact,), QUICK)


def test_more_threads_than_cores_are_refused(make_model: MakeModel) -> None:
    settings = QUICK.model_copy(update={"threads": len(os.sched_getaffinity(0)) + 1})
    with pytest.raises(UserError, match="More threads than cores"):
        measure((make_model("model"),), settings)


def test_peak_memory_is_that_of_this_program_only() -> None:
    ballast = np.ones(60_000_000)
    code = "from benchmarks.timing.worker import peak_rss_bytes; print(peak_rss_bytes())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ballast.nbytes < peak_rss_bytes()
    assert int(done.stdout) < ballast.nbytes


def test_p90_is_mlperfs_order_statistic() -> None:
    # Ranks from the appendix of mlcommons/inference_policies inference_rules.adoc.
    assert [p90_rank(n) for n in (64, 100, 200, 500, 1000)] == [64, 98, 191, 467, 923]
    hundred = LatencyResult(
        model="m",
        provider_asked="cpu",
        provider_opened="CPUExecutionProvider",
        node_share=1.0,
        threads=1,
        warmup_runs=1,
        block_medians_s=(50.0,),
        samples_s=tuple(float(x) for x in range(100, 0, -1)),
        load_s=0.1,
        first_inference_s=0.1,
        peak_rss_bytes=1,
    )
    assert p90_s(hundred) == 98
    assert p90_s(hundred.model_copy(update={"samples_s": hundred.samples_s[:63]})) is None
