"""A table from nothing: exported, timed, kept, resumed; times of others are refused."""

import json
import re
from pathlib import Path

import pytest
from tiny_network import build
from torch import nn

from benchmarks import latency_table as door
from benchmarks.operators import machine, rounds, visits
from compress.pruning.costs import latency
from compress.pruning.costs.latency import TableOptions, latency_table
from compress.pruning.costs.table import LatencyTable
from compress.stand_ins import costs
from edgepress.core.errors import GateUndecided, UserError
from edgepress.core.image_spec import ImageSpec

SPEC = ImageSpec(height=32, width=32)
OPTIONS = TableOptions(variants=6, round_to=8, longest_s=1e-9)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let no machine be too noisy, and keep what is made for the next test."""
    monkeypatch.setenv("EDGEPRESS_CACHE", str(cache))
    monkeypatch.setattr(rounds, "TOO_NOISY", float("inf"))
    monkeypatch.setattr(rounds, "LEAST", 2)
    monkeypatch.setattr(visits, "BLOCK_S", 0.001)


def network() -> nn.Module:
    return build(2, width=32)


def folder(cache: Path) -> Path:
    (found,) = (cache / "latency-tables").glob("*/")
    return found


def test_a_killed_table_goes_on_where_it_was(cache: Path, monkeypatch) -> None:
    made, stand_in = [], costs.stand_in

    def killed(*arguments, **named):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(arguments)
        return stand_in(*arguments, **named)

    monkeypatch.setattr(costs, "stand_in", killed)
    with pytest.raises(KeyboardInterrupt):
        latency_table(network(), SPEC, OPTIONS)
    assert {f.name for f in folder(cache).glob("*.onnx")} == {"variant-0.onnx", "variant-1.onnx"}
    made.extend([()] * 9)
    table = latency_table(network(), SPEC, OPTIONS)
    assert len(made) == 2 + 9 + 4
    assert table.machine == machine.describe(1)
    assert table.groups == {"0.0": 32, "1.0": 64, "3.0": 64}
    assert LatencyTable.model_validate_json((folder(cache) / "table.json").read_bytes()) == table


def test_what_is_in_the_cache_is_not_made_or_timed_again(cache: Path, monkeypatch) -> None:
    first = latency_table(network(), SPEC, OPTIONS)
    monkeypatch.setattr(costs, "stand_in", None)
    before = {file: file.read_bytes() for file in folder(cache).glob("times*.json")}
    monkeypatch.setattr(rounds, "RESOLVED", float("inf"))
    other_weights = network()
    assert latency_table(other_weights, SPEC, OPTIONS) == first
    assert {file: file.read_bytes() for file in folder(cache).glob("times*.json")} == before


def test_a_narrow_network_takes_less_than_the_whole_one(cache: Path) -> None:
    table = latency_table(network(), SPEC, OPTIONS)
    kinds = {operator.kind.split()[0] for operator in table.operators}
    assert {"QLinearConv"} <= kinds
    convs = [one for one in table.operators if one.kind.startswith("QLinearConv")]
    assert {tuple(one.makes.by) for one in convs} == {("1.0",), ("3.0",)}
    assert {tuple(one.reads.by) for one in convs} == {("0.0",), ("1.0",)}
    narrow = {"0.0": 8, "1.0": 8, "3.0": 8}
    assert 0 < table.total(narrow) < 0.9 * table.total({})


def test_times_of_a_device_are_read_back_and_refused_unless_forced(
    cache: Path, tmp_path: Path, monkeypatch
) -> None:
    latency_table(network(), SPEC, OPTIONS)
    here = machine.describe(1)
    monkeypatch.setattr(machine, "describe", lambda threads: here | {"cpu": "of a device"})
    out = tmp_path / "times.json"
    assert door.main([str(folder(cache)), "--out", str(out), "--seconds", "0"]) == 0
    monkeypatch.setattr(machine, "describe", lambda threads: here)
    options = OPTIONS.model_copy(update={"times": out})
    with pytest.raises(UserError, match=r"of another machine.*cpu of a device, not .*--force"):
        latency_table(network(), SPEC, options)
    table = latency_table(network(), SPEC, options.model_copy(update={"force": True}))
    assert table.machine["cpu"] == "of a device"


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda told: "nothing", "no times of variants"),
     (lambda told: json.dumps(told | {"index": "x"}), "of other variants"),
     (lambda told: json.dumps(told | {"schema_version": 2}), "no times of variants"),
     (lambda told: json.dumps(told | {"nodes": {}}), "other nodes"),
     (lambda told: json.dumps(told | {"visits": told["visits"][:3]}), "Not all variants")],
)  # fmt: skip
def test_times_that_are_none_of_this_network_are_refused(
    cache: Path, tmp_path: Path, change, said: str
) -> None:
    latency_table(network(), SPEC, OPTIONS)
    (times,) = folder(cache).glob("times*.json")
    (tmp_path / "times.json").write_text(change(json.loads(times.read_text())))
    options = OPTIONS.model_copy(update={"times": tmp_path / "times.json"})
    with pytest.raises(UserError, match=said):
        latency_table(network(), SPEC, options)
    with pytest.raises(UserError, match="cannot be read"):
        latency_table(network(), SPEC, OPTIONS.model_copy(update={"times": tmp_path / "none"}))


def test_a_damaged_variant_is_made_again(cache: Path) -> None:
    first = latency_table(network(), SPEC, OPTIONS)
    (folder(cache) / "variant-3.onnx").write_bytes(b"nothing")
    assert latency_table(network(), SPEC, OPTIONS).groups == first.groups
    assert (folder(cache) / "variant-3.onnx").stat().st_size > 1000


def test_a_noisy_machine_is_undecided(cache: Path, monkeypatch) -> None:
    monkeypatch.setattr(rounds, "TOO_NOISY", -1)
    with pytest.raises(GateUndecided, match="too noisy"):
        latency_table(network(), SPEC, OPTIONS)


def test_a_target_of_another_machine_asks_for_times(monkeypatch, cache: Path) -> None:
    monkeypatch.setattr(latency.targets, "is_timed_here", lambda target: False)
    with pytest.raises(UserError, match=re.escape("python -m benchmarks.latency_table")):
        latency_table(network(), SPEC, OPTIONS)


def test_a_network_without_channels_to_spare_has_no_table(cache: Path) -> None:
    with pytest.raises(UserError, match="No channels"):
        latency_table(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)), SPEC, OPTIONS)
