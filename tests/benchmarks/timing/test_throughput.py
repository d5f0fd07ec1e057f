"""Throughput in real processes: at several batches, and with models that cannot have one."""

import functools
import json
import os
from pathlib import Path

import pytest
from batches import write_mixed, write_reshaped
from colours import COLOURS, MakeModel

from benchmarks.compare import Config, compare
from benchmarks.evaluation.candidates import open_model
from benchmarks.timing import throughput
from benchmarks.timing.throughput import Rate, Throughput, ThroughputSettings, measure
from edgepress.core.errors import UserError

QUICK = ThroughputSettings(
    batch=(1, 4), threads=(1,), rounds=8, blocks=1, block_s=0.01, warmup_s=0.05
)


@pytest.mark.timing
@pytest.mark.usefixtures("timed_once")
def test_the_command_prints_every_row_and_writes_the_rest(
    make_model: MakeModel, tmp_path: Path, command
) -> None:
    good, bad = make_model("good", convs=1), write_reshaped(tmp_path / "bad.onnx")
    out = tmp_path / "new" / "rates.json"
    done = command(
        "benchmarks.throughput", good.path, bad, "--batch", 1, 4, "--threads", 1, "--rounds", 8,
        "--out", out,
    )  # fmt: skip
    assert done.code == 2
    assert "Not every throughput could be measured. Got: bad (batch 4, 1 thread)." in done.err
    assert "failed: cannot run at batch 4" in " ".join(done.out.split())

    found = Throughput.model_validate_json(out.read_text())
    cells = [(rate.model, rate.threads, rate.batch) for rate in found.rates]
    assert cells == [("good", 1, 1), ("bad", 1, 1), ("good", 1, 4), ("bad", 1, 4)]
    assert [len(rate.images_per_s) for rate in found.rates] == [8, 8, 8, 0]
    assert "Reshape" in (found.rates[3].failure or "")
    for rate in found.rates[:3]:
        assert f"{rate.measured[0]:.1f}" in done.out
        assert rate.provider_opened == "CPUExecutionProvider"
    one = found.rates[2]
    assert one.images_per_s[0] == pytest.approx(4 * len(one.runs_s[0]) / sum(one.runs_s[0]))
    assert found.ratio(found.rates[0]) is None
    assert found.ratio(found.rates[1])[0] > 1, "the good model has more to do"
    assert found.ratio(found.rates[3]) is None
    assert found.environment["cpu"]
    assert "benchmarks.throughput" in found.command
    assert [file.name for file in out.parent.iterdir()] == ["rates.json"]


@pytest.mark.usefixtures("timed_once")
def test_results_that_a_batch_changes_are_no_throughput(
    make_model: MakeModel, tmp_path: Path, capfd
) -> None:
    mixed = open_model(write_mixed(tmp_path / "mixed.onnx"))
    settings = QUICK.model_copy(update={"batch": (4,)})
    first, last = measure({"mixed": mixed, "good": make_model("good")}, settings).rates
    assert first.failure.startswith("cannot run at batch 4: The batch changes the result")
    assert "mixed, 1 thread: cannot run at batch 4" in capfd.readouterr().err
    assert last.measured[0] > 0


def test_ratios_are_within_rounds() -> None:
    def rate(model: str, *images_per_s: float, **more: object) -> Rate:
        given = {"threads": 1, "batch": 8, **more}
        return Rate(model=model, provider_asked="cpu", images_per_s=images_per_s, **given)

    found = Throughput(
        settings=QUICK,
        rates=(
            rate("a", 9, 9, batch=1),
            rate("a", *(1, 10) * 4),
            rate("b", *(2, 20) * 4),
            rate("c", failure="x"),
        ),
        environment={},
    )
    assert [found.ratio(one) for one in found.rates] == [None, None, (2.0, (2.0, 2.0)), None]


def test_everyone_is_equally_often_first_and_every_round_has_all(
    make_model: MakeModel, monkeypatch
) -> None:
    names = ("a", "b", "c")
    ran: list[str] = []
    monkeypatch.setattr(throughput._Setting, "_run", lambda self, name: ran.append(name))
    settings = QUICK.model_copy(update={"batch": (1,)})
    measure({name: make_model(name) for name in names}, settings)
    rounds = [tuple(ran[place : place + 3]) for place in range(0, len(ran), 3)]
    assert len(rounds) == 12, "two blocks of six"
    assert all(sorted(one) == list(names) for one in rounds)
    assert [sum(one[0] == name for one in rounds) for name in names] == [4, 4, 4]


def test_what_cannot_be_is_refused_before_anything_runs(
    make_model: MakeModel, tmp_path: Path, command, monkeypatch
) -> None:
    monkeypatch.setattr(throughput, "spawn", None)
    model, cores = make_model("model"), len(os.sched_getaffinity(0))
    for arguments, message in (
        (("--threads", 1, cores + 1), "More threads than cores"),
        (("--out", tmp_path), "The result cannot be written"),
        (("--rounds", 7), "greater than or equal to 8"),
        (("--batch", 0), "greater than or equal to 1"),
        (("--batch",), "--batch needs a value"),
        (("--provider", "nowhere"), "Unknown provider"),
    ):
        done = command("benchmarks.throughput", model.path, *arguments)
        assert done.code == 2
        assert message in done.err


def test_every_core_is_used_unless_said_otherwise() -> None:
    assert set(ThroughputSettings().threads) == {1, len(os.sched_getaffinity(0))}
    with pytest.raises(UserError, match="More threads than cores"):
        measure({}, QUICK.model_copy(update={"threads": (10_000,)}))


@pytest.mark.usefixtures("timed_once")
def test_compare_adds_the_pass_if_wanted(
    make_model: MakeModel, colours: Path, tmp_path: Path, monkeypatch
) -> None:
    quick = functools.partial(ThroughputSettings, **QUICK.model_dump(exclude={"provider"}))
    monkeypatch.setattr(throughput, "ThroughputSettings", quick)
    models = (make_model("old").path, make_model("new", COLOURS.copy()).path)
    given = Config(models=models, out=tmp_path / "report", data=str(colours), latency=False)
    without = compare(given)
    assert [model.throughput for model in without.models] == [(), ()]
    assert 'id="throughput"' not in (given.out / "report.html").read_text()

    report = compare(given.model_copy(update={"throughput": True}))
    first, last = (model.throughput for model in report.models)
    assert [(one.threads, one.batch, one.n) for one in first] == [(1, 1, 8), (1, 4, 8)]
    assert all(one.ci95[0] <= one.images_per_s <= one.ci95[1] for one in (*first, *last))
    assert [one.against_first for one in first] == [None, None]
    assert all(one.against_first.ratio > 0 for one in last)
    stored = json.loads((given.out / "report.json").read_text())
    assert stored["models"][1]["throughput"][1]["batch"] == 4
    assert 'id="throughput"' in (given.out / "report.html").read_text()
