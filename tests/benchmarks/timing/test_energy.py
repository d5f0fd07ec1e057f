"""Energy is read from counters or missing; here the counters are files, as Linux lists them."""

from pathlib import Path

import pytest

from benchmarks.timing.energy import Counter, read_j, spent_j

RANGE = 262_143_328_850
"""Microjoules, as most packages have it."""


def zone(folder: Path, place: str, name: str, microjoules: int, most: int | None = RANGE) -> None:
    at = folder / place
    at.mkdir(parents=True, exist_ok=True)
    (at / "name").write_text(f"{name}\n")
    (at / "energy_uj").write_text(f"{microjoules}\n")
    if most is not None:
        (at / "max_energy_range_uj").write_text(f"{most}\n")


def two_sockets(folder: Path, spent: int) -> None:
    """Write a laptop's and a server's zones together, each with `spent` more microjoules."""
    (folder / "intel-rapl").mkdir(parents=True, exist_ok=True)  # the control type is no zone
    zone(folder, "intel-rapl:0", "package-0", 10_000_000 + spent)
    zone(folder, "intel-rapl:0:0", "core", 4_000_000 + spent)
    zone(folder, "intel-rapl:0:1", "uncore", 1_000_000 + spent)
    zone(folder, "intel-rapl:0:2", "dram", 2_000_000 + spent)
    zone(folder, "intel-rapl:1", "package-1", 20_000_000 + spent)
    zone(folder, "intel-rapl:1:0", "dram", 3_000_000 + spent)
    zone(folder, "intel-rapl:2", "psys", 90_000_000 + spent)
    zone(folder, "intel-rapl-mmio:0", "package-0", 11_000_000 + spent)
    zone(folder, "dtpm:0", "soc", 5_000_000 + spent)


def test_packages_are_summed_and_neither_their_parts_nor_the_platform(tmp_path: Path) -> None:
    two_sockets(tmp_path, 0)
    before = read_j(tmp_path)
    assert before is not None
    assert list(before) == ["package-0", "package-1"]
    assert before["package-1"] == Counter(spent_j=20.0, range_j=RANGE / 1e6)
    two_sockets(tmp_path, 2_500_000)
    assert spent_j(before, read_j(tmp_path)) == 5.0


def test_a_package_that_two_drivers_list_is_read_from_one_of_them(tmp_path: Path) -> None:
    two_sockets(tmp_path, 0)
    before = read_j(tmp_path)
    two_sockets(tmp_path, 1_000_000)
    zone(tmp_path, "intel-rapl:0", "package-0", 999_000_000)  # the other's is the one that counts
    assert spent_j(before, read_j(tmp_path)) == 2.0


def test_the_dies_of_a_package_are_counted_each(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0-die-0", 1_000_000)
    zone(tmp_path, "intel-rapl:1", "package-0-die-1", 2_000_000)
    assert sorted(read_j(tmp_path) or ()) == ["package-0-die-0", "package-0-die-1"]


def test_without_a_readable_counter_nothing_is_claimed(tmp_path: Path) -> None:
    assert read_j(tmp_path) is None
    zone(tmp_path, "intel-rapl:2", "psys", 5)
    assert read_j(tmp_path) is None
    two_sockets(tmp_path, 0)
    for content in ("denied", ""):
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text(content)
        assert read_j(tmp_path) is None
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert read_j(tmp_path) is None


@pytest.mark.parametrize(
    ("range_j", "spent"), [(100.0, 31.0), (None, None)], ids=["range known", "range unknown"]
)
def test_a_counter_that_has_begun_anew(range_j: float | None, spent: float | None) -> None:
    before = {"a": Counter(spent_j=90, range_j=range_j), "b": Counter(spent_j=5, range_j=9)}
    after = {"a": Counter(spent_j=20, range_j=range_j), "b": Counter(spent_j=6, range_j=9)}
    assert spent_j(before, after) == spent


def test_readings_of_other_packages_are_no_figure() -> None:
    one = {"a": Counter(spent_j=1, range_j=None)}
    assert spent_j(None, one) is None
    assert spent_j(one, None) is None
    assert spent_j(one, one | {"b": Counter(spent_j=1, range_j=None)}) is None
