"""Visits in balanced rounds: stored after each, gone on from, and undecided where it is noisy."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from places import ROOT
from timed_variants import written

from benchmarks import latency_table
from benchmarks.operators import machine, rounds, variants, visits
from benchmarks.operators.visits import Visit, Visitor
from benchmarks.runtimes._events import Node, Shapes
from edgepress.core.errors import GateUndecided, UserError

CONV = Node("0", "one", "Conv", "CPUExecutionProvider")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "variants")


def pretended(monkeypatch: pytest.MonkeyPatch, plain=lambda number, file: 1.0) -> list[str]:
    """Let visits take what `plain(number of the visit to the file, file)` says; return them."""
    seen = list[str]()

    def visit(self: Visitor, file: str) -> Visit:
        self.nodes[file] = {CONV: Shapes(((1, 3, 16, 16),), ((1, 16, 14, 14),))}
        seen.append(file)
        return Visit(file, (1.0, 1.0), plain(seen.count(file), file), (0.5,))

    monkeypatch.setattr(Visitor, "visit", visit)
    return seen


def times(folder: Path, *words: object) -> int:
    return latency_table.main([str(folder), *map(str, words)])


def test_every_file_is_timed_node_by_node_in_turn_with_the_reference(folder: Path) -> None:
    job = rounds.Job(variants.read(folder), folder / "times.json", longest_s=0)
    said = list[str]()
    told = json.loads(measured(job, said).read_text())
    assert told["machine"] == machine.describe(1)
    for row, width in enumerate((16, 4, 8)):
        nodes = told["nodes"][f"variant-{row}.onnx"]
        assert {"Conv", "FusedConv"} & {node["op_type"] for node in nodes}
        made = {tuple(node["makes"][0]) for node in nodes}
        assert (1, 2, 14, 14) in made
        assert any(shape[1] == width for shape in made)
    count = {f"variant-{row}.onnx": 0 for row in range(3)}
    for visit in told["visits"]:
        count[visit["file"]] += 1
        assert 0 < visit["plain_s"] < 1
        assert len(visit["nodes_s"]) == len(told["nodes"][visit["file"]])
    assert {*count.values()} == {rounds.LEAST}
    assert said[-1].startswith("round 6 of 6 to 40: noise ")


def measured(job: rounds.Job, said: list[str]) -> Path:
    """Measure on a machine that may be too noisy for a verdict."""
    with suppress(GateUndecided):
        rounds.measure(job, said.append)
    return job.out


def test_a_killed_command_goes_on_with_the_next_round(folder: Path, monkeypatch) -> None:
    whole = pretended(monkeypatch)
    assert times(folder) == 0
    assert len(whole) == 3 * rounds.LEAST
    stored = (folder / "times.json").read_text()

    def killed(number: int, file: str) -> float:
        if number > 4:
            raise KeyboardInterrupt
        return 1.0

    (folder / "times.json").unlink()
    before = pretended(monkeypatch, killed)
    assert times(folder) == 130
    kept = len(json.loads((folder / "times.json").read_text())["visits"])
    assert kept == 4 * 3
    after = pretended(monkeypatch)
    assert times(folder) == 0
    assert before[:kept] + after == whole
    assert (folder / "times.json").read_text() == stored
    assert times(folder) == 0
    assert len(after) == 2 * 3


def test_rounds_go_on_until_the_noise_is_small(folder: Path, monkeypatch, capsys) -> None:
    """Ratios 1.02 and 1/1.02 in turn: 1.2533 * 2 log(1.02) / 1.349 / sqrt(n) is 1% at n = 13.5."""
    seen = pretended(monkeypatch, lambda number, _: 1.02 ** (-1) ** number)
    assert times(folder) == 0
    assert len(seen) == 3 * 14
    assert "round 14 of 6 to 40: noise 1.0%" in capsys.readouterr().err


def test_one_slow_visit_is_no_noise() -> None:
    logs = [Visit("a", (1, 1), taken, ()) for taken in (1.0, 1.0, 1.0, 1.0, 40.0)]
    assert rounds.noise(logs) == 0
    assert rounds.noise(logs[:1]) == float("inf")
    assert rounds.noise([]) == float("inf")


def test_the_reference_beside_a_visit_takes_the_slow_minutes_out() -> None:
    slow = [Visit("a", (speed, 3 * speed), 2.0 * speed, ()) for speed in (1.0, 5.0, 9.0, 2.0)]
    assert rounds.noise(slow) == pytest.approx(0, abs=1e-12)


def test_a_machine_that_is_too_noisy_is_undecided_and_can_be_added_to(
    folder: Path, monkeypatch, capsys
) -> None:
    seen = pretended(monkeypatch, lambda number, _: 1.5 ** (-1) ** number)
    assert times(folder, "--seconds", 0) == 4
    assert "too noisy to tell" in capsys.readouterr().err
    assert len(seen) == 3 * rounds.LEAST
    assert times(folder, "--seconds", 100) == 4
    assert len(seen) == 3 * rounds.MOST
    assert times(folder) == 4  # nothing more is measured, and nothing more is known
    assert len(seen) == 3 * rounds.MOST


@pytest.mark.parametrize(
    ("content", "said"),
    [("nothing", "no times of variants"), ('{"visits": 3}', "no times of variants"),
     ('{"visits": [], "nodes": {}, "machine": {}, "index": "x"}', "another folder of variants")],
)  # fmt: skip
def test_a_file_of_something_else_is_not_written_over(
    folder: Path, content: str, said: str, capsys
) -> None:
    (folder / "times.json").write_text(content)
    assert times(folder) == 2
    assert said in capsys.readouterr().err
    assert (folder / "times.json").read_text() == content


def test_times_of_another_machine_are_not_added_to(folder: Path, monkeypatch, capsys) -> None:
    seen = pretended(monkeypatch)
    assert times(folder) == 0
    here = machine.describe(1)
    monkeypatch.setattr(machine, "describe", lambda threads: here | {"cpu": "another"})
    assert times(folder) == 2
    assert f"cpu {here['cpu']}, not another" in capsys.readouterr().err
    assert times(folder, "--out", folder / "others.json") == 0
    assert len(seen) == 2 * 3 * rounds.LEAST


@pytest.mark.parametrize(
    "broken",
    [lambda folder: (folder / "index.json").unlink(),
     lambda folder: (folder / "index.json").write_text("[]"),
     lambda folder: (folder / "index.json").write_text('{"schema_version": 2}'),
     lambda folder: (folder / "variant-1.onnx").unlink(),
     lambda folder: (folder / "variant-1.onnx").write_bytes(b"nothing")],
)  # fmt: skip
def test_a_folder_that_is_none_of_variants_is_refused(folder: Path, broken, capsys) -> None:
    broken(folder)
    assert times(folder) == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    assert re.search(r"no index\.json|no index of variants|missing or damaged", said)
    assert not (folder / "times.json").exists()


def test_what_onnxruntime_cannot_run_is_a_message(folder: Path) -> None:
    told = json.loads((folder / "index.json").read_text()) | {"input": [1, 3, 16, 17]}
    (folder / "index.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="cannot run a variant"):
        visits.Visitor(variants.read(folder)).visit("variant-0.onnx")


def test_no_other_library_is_loaded_than_numpy_and_onnxruntime(folder: Path, tmp_path: Path):
    code = (
        "import sys; before = {*sys.modules}; from benchmarks import latency_table as door; "
        f"code = door.main([{str(folder)!r}, '--seconds', '0']); "
        "new = {m.partition('.')[0] for m in {*sys.modules} - before}; "
        "places = {m: getattr(sys.modules.get(m), '__file__', None) or '' for m in new}; "
        "print('loaded', *sorted(m for m, f in places.items() if 'site-packages' in f)); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)  # fmt: skip
    assert done.returncode in (0, 4), done.stderr  # it may be noisy here
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("loaded")]
    loaded = {*line.split()[1:]}
    assert {"numpy", "onnxruntime"} <= loaded
    allowed = {"numpy", "onnxruntime", "google", "flatbuffers", "packaging", "coloredlogs",
               "humanfriendly", "sympy", "mpmath"}  # fmt: skip
    assert loaded <= allowed
