"""Energy is read from counters or missing; here the counters are files."""

from pathlib import Path

from benchmarks.energy import read_j, spent_j


def counter(folder: Path, name: str, microjoules: int) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{microjoules}\n")


def test_packages_are_summed_and_their_parts_are_not(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", 10_000_000)
    counter(tmp_path, "intel-rapl:0:0", 4_000_000)
    counter(tmp_path, "intel-rapl:1", 1_000_000)
    before = read_j(tmp_path)
    assert before == {"intel-rapl:0": 10.0, "intel-rapl:1": 1.0}
    counter(tmp_path, "intel-rapl:0", 12_000_000)
    assert spent_j(before, read_j(tmp_path)) == 2.0


def test_without_a_readable_counter_nothing_is_claimed(tmp_path: Path) -> None:
    assert read_j(tmp_path) is None
    counter(tmp_path, "intel-rapl:0", 5)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("denied")
    assert read_j(tmp_path) is None
    assert spent_j(None, {"intel-rapl:0": 1.0}) is None


def test_a_counter_that_wrapped_is_not_a_figure() -> None:
    assert spent_j({"intel-rapl:0": 10.0}, {"intel-rapl:0": 1.0}) is None
