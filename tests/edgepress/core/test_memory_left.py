"""How much memory a process may still take."""

from pathlib import Path

import pytest

from edgepress.core import memory

MEMINFO = "MemTotal:  8000 kB\nMemFree:  100 kB\nMemAvailable:  3000 kB\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text(MEMINFO)
    return tmp_path


def test_without_a_limit_it_is_what_the_machine_has_left(system: Path):
    (system / "memory.max").write_text("max\n")
    assert memory.available_bytes() == 3000 * 1024


def test_a_control_group_leaves_less_and_files_that_nobody_uses_are_free(system: Path):
    (system / "memory.max").write_text("1000000\n")
    (system / "memory.current").write_text("700000\n")
    (system / "memory.stat").write_text("anon 5\ninactive_file 200000\nactive_file 7\n")
    assert memory.available_bytes() == 500_000


def test_so_does_one_of_the_first_version(system: Path):
    (system / "memory").mkdir()
    (system / "memory" / "memory.limit_in_bytes").write_text("1000000\n")
    (system / "memory" / "memory.usage_in_bytes").write_text("900000\n")
    (system / "memory" / "memory.stat").write_text("cache 9\ntotal_inactive_file 50000\n")
    assert memory.available_bytes() == 150_000


def test_a_group_over_its_limit_leaves_nothing(system: Path):
    (system / "memory.max").write_text("1000\n")
    (system / "memory.current").write_text("5000\n")
    assert memory.available_bytes() == 0


def test_where_the_system_does_not_say_it_is_half_of_the_machine(system: Path, monkeypatch):
    (system / "meminfo").unlink()
    monkeypatch.setattr(memory, "memory_bytes", lambda: 10_000)
    assert memory.available_bytes() == 5_000
    monkeypatch.setattr(memory, "memory_bytes", lambda: None)
    assert memory.available_bytes() == 2 * 2**30
