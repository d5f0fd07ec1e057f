"""`python -m benchmarks.claims.latency_table`: random prunings against their predictions."""

from pathlib import Path

import pytest

from benchmarks.claims import latency_table
from benchmarks.claims.latency_table import Pruning, Result
from benchmarks.operators import rounds, visits
from compress.pruning.costs.design import levels, random_prunings
from compress.pruning.costs.groups import Group

COMMAND = "benchmarks.claims.latency_table"


def result(**changes: object) -> Result:
    prunings = [Pruning(latency_share=share, measured_s=share * 1e-2, predicted_s=predicted * 1e-2)
                for share, predicted in ((0.2, 0.21), (0.5, 0.45), (0.9, 0.9))]  # fmt: skip
    values = {
        "command": "python -m benchmarks.claims.latency_table", "arch": "net", "image_size": 32,
        "precision": "int8", "target": "cpu-vnni", "variants": 10, "whole_s": 1e-2,
        "table_s": 88.4, "noise": 0.012, "own_errors": (0.01, 0.04), "prunings": tuple(prunings),
        "environment": {"cpu": "A CPU", "cpu_instructions": "AVX2"},
    }  # fmt: skip
    return Result.model_validate(values | changes)


def test_errors_are_shares_of_what_was_measured() -> None:
    assert result().errors == pytest.approx((0.05, 0.1))


def test_the_table_says_what_was_measured_on_what() -> None:
    shown = latency_table.table(result())
    assert "| The table takes | 88 s |" in shown
    assert "| Error of predictions, median | 5.0% |" in shown
    assert "| Error of predictions, worst | 10.0% |" in shown
    assert "A CPU (AVX2); 3 random prunings, whose latency is 20% to 90%" in shown
    assert "| The table takes | - |" in latency_table.table(result(table_s=None))


def test_random_prunings_are_aligned_and_of_all_sizes() -> None:
    groups = tuple(Group(f"group{n}", 160, 1) for n in range(8))
    found = random_prunings(groups, 16, 60, seed=0)
    assert all({*one.values()} <= {*levels(groups[0], 16)} for one in found)
    shares = sorted(sum(one.values()) / (160 * 8) for one in found)
    assert shares[0] < 0.3
    assert shares[-1] > 0.8
    assert found == random_prunings(groups, 16, 60, seed=0)


def test_the_command_measures_and_goes_on_from_the_cache(
    command, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("EDGEPRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(rounds, "TOO_NOISY", float("inf"))
    monkeypatch.setattr(rounds, "LEAST", 2)
    monkeypatch.setattr(visits, "BLOCK_S", 0.001)
    words = ("--arch", "tiny_network:build", "--image-size", 32, "--precision", "fp32",
             "--variants", 6, "--prunings", 2, "--longest", 1e-9,
             "--out", tmp_path / "table.json")  # fmt: skip
    done = command(COMMAND, *words)
    assert done.code == 0, done.err
    first = Result.model_validate_json((tmp_path / "table.json").read_bytes())
    assert first.table_s is not None
    assert len(first.prunings) == 2
    assert "2 random prunings" in (tmp_path / "table.md").read_text()
    again = command(COMMAND, *words)
    assert again.code == 0, again.err
    assert "exporting" not in again.err
    second = Result.model_validate_json((tmp_path / "table.json").read_bytes())
    assert second.table_s == first.table_s
