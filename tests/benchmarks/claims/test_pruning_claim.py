"""Cuts to the same latency are compared network by network, seed by seed, on the same images."""

import math
from pathlib import Path
from types import SimpleNamespace

import evaluated
import numpy as np
import pytest

from benchmarks.claims.pruning import __main__ as command
from benchmarks.claims.pruning import measuring, trying
from benchmarks.claims.pruning.grid import (
    BUDGETS,
    CUT_AGAIN,
    LAYERWISE,
    MACS,
    MORE,
    NETWORKS,
    OURS,
    PRUNE,
    SMALLER,
    WAYS,
    Trial,
    grid,
)
from benchmarks.claims.pruning.measuring import Counts, Measured
from benchmarks.claims.pruning.result import Comparison, Outcome, Result, compared, table
from edgepress.core.errors import GateUndecided, UserError
from edgepress.core.subcommands import Ending

TARGETS = (np.random.default_rng(0).random((300, 3)) < 0.4).astype(np.float32)
LITE, SECOND = list(NETWORKS)[:2]
COUNTS = Counts(params=9, params_in_file=9, macs=7, macs_in_file=7)


def scores(noise: float, seed: int):
    """Return a result of scores that are the truth with noise."""
    drawn = np.random.default_rng(seed).normal(size=TARGETS.shape)
    return evaluated.result(1 / (1 + np.exp(-(2 * TARGETS - 1 + noise * drawn))), TARGETS)


def trial(way: str = OURS, seed: int = 0, network: str = LITE, budget: float = 0.5) -> Trial:
    return Trial(network=network, budget=budget, way=way, seed=seed)


def measured(share: float = 0.49, **counts: int) -> Measured:
    return Measured(
        share=share, ci95=(share, share), aa=(1, 1), counts=COUNTS.model_copy(update=counts)
    )


def test_every_trial_comes_once_and_what_is_asked_for_first() -> None:
    found = grid()
    assert len(set(found)) == len(found) == len(NETWORKS) * len(BUDGETS) * len(WAYS) * 3
    assert [one.way for one in found[:2]] == [OURS, MACS]
    assert {one.seed for one in found[: len(found) // 3]} == {0}, "a whole table comes first"
    assert {*WAYS, *MORE} == {*PRUNE, MACS, SMALLER, LAYERWISE}


def test_only_cuts_that_differ_are_made_for_every_seed() -> None:
    cuts = {one.way: {other.cut.seed for other in grid(ways=(one.way,))} for one in grid()}
    assert {way for way, seeds in cuts.items() if seeds == {0, 1, 2}} == set(CUT_AGAIN)
    assert all(seeds == {0} for way, seeds in cuts.items() if way not in CUT_AGAIN)


def test_networks_of_one_run_share_no_folder_with_those_of_another() -> None:
    assert {one.place.split("/")[0] for one in grid()} == set(NETWORKS)
    assert len({one.place for one in grid()}) == len(grid())


def test_a_latency_is_met_on_both_sides() -> None:
    assert [measured(share).met(0.5) for share in (0.484, 0.486, 0.514, 0.516)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_networks_weigh_the_same_and_seeds_are_paired() -> None:
    made = {
        trial(way, seed, network): scores(noise, seed + 10 * (way == OURS))
        for network, noises in ((LITE, (0.8, 1.4)), (SECOND, (1.0, 1.1)))
        for way, noise in zip((OURS, MACS), noises, strict=True)
        for seed in range(3)
    }
    del made[trial(MACS, 2, SECOND)]
    found = {(one.network, one.budget): one for one in compared(made) if one.way == MACS}
    alone = [found[LITE, 0.5], found[SECOND, 0.5]]
    assert [one.seeds for one in alone] == [3, 2]
    mean = found[None, 0.5]
    assert mean.gain == pytest.approx(np.mean([one.gain for one in alone]))
    assert (mean.networks, mean.seeds) == (2, 5)
    differences = [made[trial(OURS, seed)].map - made[trial(MACS, seed)].map for seed in range(3)]
    assert alone[0].gain == pytest.approx(np.mean(differences))
    assert alone[0].ci95[0] < alone[0].gain < alone[0].ci95[1]
    assert (LITE, 0.3) not in found


def test_what_is_sure_is_told() -> None:
    def verdict(low: float, high: float) -> str:
        return Comparison(
            way=MACS, network=None, budget=None, networks=1, seeds=1, gain=0, ci95=(low, high)
        ).verdict

    assert [verdict(-0.2, -0.1), verdict(-0.2, 0.1), verdict(0.1, 0.2)] == [
        "surely worse", "", "surely better",
    ]  # fmt: skip


def shown(*outcomes: Outcome) -> str:
    found = Result(outcomes=outcomes, parents={LITE: 0.9}, comparisons=compared({}), environment={})
    return table(found)


def test_the_table_tells_what_each_way_reached_and_which_latencies_were_met() -> None:
    told = shown(
        Outcome(trial=trial(), map=0.8, measured=measured(0.5)),
        Outcome(trial=trial(seed=1), map=0.6, measured=measured(0.4, macs_in_file=8)),
        Outcome(trial=trial("uniform"), map=0.5, measured=measured(0.5)),
        Outcome(trial=trial("uniform", 1), map=0.5, measured=measured(0.5)),
        Outcome(trial=trial(MACS), map=0.5, measured=measured(0.1)),
        Outcome(trial=trial("random"), problem="exit code 4: too noisy"),
    )
    assert f"| {LITE} (90.0) | 50% | {OURS} | 70.0 | 45.0% |" in told
    assert "Of 2 cuts by our plan, 1 take" in told
    assert "Of 3 cuts by all of `compress.prune`, 2 take" in told, "a shared cut counts once"
    assert "of 3 of 4 files" in told
    assert f"Not cut: {LITE}/50/random-0: exit code 4: too noisy" in told


def run_with(monkeypatch, work: Path, ending: Ending | None) -> list[dict[str, str]]:
    """Let commands make artifacts of nothing, but pruning end as given; return their options."""
    lines: list[dict[str, str]] = []

    def make(module: str, out: Path, options: dict[str, object], _timeout: float) -> object:
        known = {name: str(value) for name, value in options.items()}
        lines.append({"module": module, "out": str(out.relative_to(work)), **known})
        out.mkdir(parents=True, exist_ok=True)
        return SimpleNamespace(path=out)

    def prune(_timeout: float, module: str, *words: str) -> Ending:
        lines.append({"module": module, "words": " ".join(words)})
        if ending is None:
            Path(words[words.index("--out") + 1]).mkdir()
        return ending or Ending(0, "")

    monkeypatch.setattr(trying, "made", make)
    monkeypatch.setattr(trying, "ending_of", prune)
    monkeypatch.setattr(trying.artifacts, "is_artifact", Path.is_dir)
    monkeypatch.setattr(trying.artifacts, "load", lambda path: SimpleNamespace(path=path))
    monkeypatch.setattr(trying.problems, "cells", lambda folder, _n, _side: folder.mkdir())
    monkeypatch.setattr(trying, "int8", lambda path, data: path)
    monkeypatch.setattr(trying.measuring, "measured", lambda *_: measured())
    return lines


def test_all_ways_are_tuned_alike(monkeypatch, tmp_path: Path) -> None:
    lines = run_with(monkeypatch, tmp_path, None)
    for way in PRUNE:
        trying.tried(trial(way, 1), tmp_path)
    students = [line for line in lines if line["module"] == "compress.distill"]
    alike = [{k: v for k, v in one.items() if k not in ("student", "out")} for one in students]
    assert all(one == alike[0] for one in alike)
    assert alike[0]["teacher"].endswith(f"{LITE}/parent")
    assert [Path(one["student"]).parent.name for one in students] == [
        "edgepress-1", "uniform-0", "random-0",
    ]  # fmt: skip
    cuts = [line["words"] for line in lines if line["module"] == "compress.prune"]
    assert all("--budget latency <= 50% --rounds 1 --epochs 0" in one for one in cuts)
    assert ["--allocation uniform" in one for one in cuts] == [False, True, False]
    assert trying.known(trial(), tmp_path) == (None, None)
    assert trying.known(trial("uniform", 2), tmp_path) == (measured(), None)


def test_a_smaller_network_learns_as_long_as_the_parent_before_it_is_tuned(
    monkeypatch, tmp_path: Path
) -> None:
    lines = run_with(monkeypatch, tmp_path, None)
    peers = SimpleNamespace(width_for=lambda _parent, share: share / 2)
    monkeypatch.setattr(trying.importlib, "import_module", lambda _name: peers)
    trying.tried(trial(SMALLER, 2), tmp_path)
    parent, cut, student = lines
    assert (cut["width"], cut["method"], cut["student"]) == ("0.25", "none", LITE)
    assert (cut["epochs"], cut["weights"]) == (parent["epochs"], parent["weights"])
    assert student["student"].endswith(cut["out"])
    assert (student["epochs"], student["seed"]) == (str(NETWORKS[LITE].tuned), "2")


@pytest.mark.parametrize(("way", "ranked"), [(MACS, True), (LAYERWISE, False)])
def test_torch_pruning_is_asked_for_the_same_share(
    way: str, ranked: bool, monkeypatch, tmp_path: Path
) -> None:
    run_with(monkeypatch, tmp_path, None)
    asked: list[SimpleNamespace] = []

    def cut(config: SimpleNamespace) -> SimpleNamespace:
        asked.append(config)
        return SimpleNamespace(path=config.out)

    peers = SimpleNamespace(Peer=SimpleNamespace, macs_driven=cut)
    monkeypatch.setattr(trying.importlib, "import_module", lambda _name: peers)
    trying.tried(trial(way, 1, budget=0.3), tmp_path)
    (config,) = asked
    assert (config.share, config.global_pruning) == (0.3, ranked)


def test_a_cut_that_fails_is_told_and_tried_again(monkeypatch, tmp_path: Path) -> None:
    run_with(monkeypatch, tmp_path, Ending(4, "Too noisy."))
    trying.tried(trial(), tmp_path)
    assert trying.known(trial(), tmp_path) == (None, "exit code 4: Too noisy.")
    lines = run_with(monkeypatch, tmp_path, None)
    trying.tried(trial(), tmp_path)
    assert [line["module"] for line in lines][-2:] == ["compress.prune", "compress.distill"]
    assert trying.known(trial(), tmp_path) == (measured(), None)


def test_a_cut_that_cannot_be_timed_is_not_made_again(monkeypatch, tmp_path: Path) -> None:
    lines = run_with(monkeypatch, tmp_path, None)

    def noisy(*_: object) -> Measured:
        raise GateUndecided("It could not be timed")

    monkeypatch.setattr(trying.measuring, "measured", noisy)
    trying.tried(trial(), tmp_path)
    assert trying.known(trial(), tmp_path) == (None, "It could not be timed")
    assert lines[-1]["module"] == "compress.prune", "it is not tuned before it is measured"
    lines = run_with(monkeypatch, tmp_path, None)
    trying.tried(trial(), tmp_path)
    assert "compress.prune" not in [line["module"] for line in lines]


@pytest.mark.parametrize(("option", "match"), [
    ({"network": ("resnet8",)}, "did you mean 'resnet18'"),
    ({"way": ("unifrom",)}, "did you mean 'uniform'"),
    ({"budget": (0.4,)}, "Not a budget"),
])  # fmt: skip
def test_what_is_not_there_is_refused_before_a_training(option, match, tmp_path: Path) -> None:
    config = command.Config(**option, work=tmp_path / "w", out=tmp_path / "out.json")
    with pytest.raises(UserError, match=match):
        command.run(config)
    assert not (tmp_path / "w").exists()


def test_the_figures_are_of_all_that_is_there(monkeypatch, tmp_path: Path) -> None:
    made = [trial(seed=1), trial("uniform", 2, SECOND)]
    for one in made:
        trying.tuned(one, tmp_path).mkdir(parents=True)
    refused = tmp_path / trial("random").place
    refused.mkdir()
    (refused / trying.REFUSED).write_text("exit code 3: no.\n")
    monkeypatch.setattr(command.artifacts, "is_artifact", Path.is_dir)
    monkeypatch.setattr(command, "_map", lambda _folder: 0.5)
    monkeypatch.setattr(command, "_evaluated", lambda _folder: scores(1.0, 0))
    found = command.made_so_far(tmp_path)
    assert {one.trial for one in found.outcomes if one.map} == set(made)
    assert [one.problem for one in found.outcomes if not one.map] == ["exit code 3: no."]
    assert found.parents == {LITE: 0.5, SECOND: 0.5}


@pytest.mark.parametrize(("interval", "known"), [((1.9, 2.1), True), ((0.0, math.inf), False)])
def test_a_share_is_known_where_its_interval_is(interval, known, monkeypatch) -> None:
    found = SimpleNamespace(
        speedup=lambda _row: (2.0, interval), aa=(1.0, (0.9, 1.1)), failures=(None, None)
    )
    monkeypatch.setattr(measuring, "measure", lambda *_: found)
    monkeypatch.setattr(measuring, "counts", lambda *_: COUNTS)
    if not known:
        with pytest.raises(GateUndecided, match="Too few rounds"):
            measuring.measured(None, None, None)
        return
    share = measuring.measured(None, None, None)
    assert (share.share, share.ci95) == (0.5, (1 / 2.1, 1 / 1.9))
