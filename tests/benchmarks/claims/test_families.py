"""One architecture a family: the list is whole, and what became of each is told as it was."""

import importlib
import subprocess
from pathlib import Path

import pytest
from places import ROOT
from verdicts import model

from benchmarks.claims.families import __main__ as command
from benchmarks.claims.families import pictures, pruned, pruning, trial
from benchmarks.claims.families.listed import LISTED, PRUNED, TOO_LARGE, Listed
from benchmarks.claims.families.result import OK, Outcome, Result, merged, table
from edgepress.core import subcommands
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.gates import Verdict

RESULTS = ROOT / "docs" / "results"


def listed_as(family: str, architecture: str) -> Listed:
    return Listed(family=family, architecture=architecture)


ONE = listed_as("resnet", "resnet10t")


def outcome(**other: object) -> Outcome:
    return Outcome(
        **{"family": "a", "architecture": "a1", "image_size": 96, "outcome": OK, "seconds": 1.0}
        | other
    )


def test_every_family_of_the_libraries_is_listed_once() -> None:
    import models.basis.torchvision_compat  # noqa: F401  isort: skip
    import timm
    import torchvision

    families = [one.family for one in LISTED]
    assert len(set(families)) == len(families)
    modules = {name for name in families if "/" not in name}
    assert modules == set(timm.list_modules()) - TOO_LARGE
    assert set(timm.list_modules()) >= TOO_LARGE
    known = {*timm.list_models(), *(f"torchvision/{n}" for n in torchvision.models.list_models())}
    assert {one.architecture for one in LISTED} <= known


@pytest.mark.parametrize("is_pruned", [False, True])
def test_the_stored_results_are_of_the_list(is_pruned: bool, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    way = command.way_of(command.Config(pruned=is_pruned))
    stored = way.result.Result.model_validate_json(way.out.read_text())
    listed = {one.architecture for one in way.listed}
    assert {one.architecture for one in stored.outcomes} <= listed
    assert "/tmp" not in way.result.table(stored)


def test_one_of_each_kind_is_pruned() -> None:
    import models.basis.torchvision_compat  # noqa: F401  isort: skip
    import timm
    import torchvision

    families = [one.family for one in PRUNED]
    assert len(set(families)) == len(families)
    known = {*timm.list_models(), *(f"torchvision/{n}" for n in torchvision.models.list_models())}
    assert {one.architecture for one in PRUNED} <= known


def test_at_least_25_pruned_families_are_stored_and_refusals_are_proper() -> None:
    stored = pruned.Result.model_validate_json((RESULTS / "pruned-families.json").read_text())
    assert len(stored.outcomes) >= 25
    for one in stored.outcomes:
        assert "no proper refusal" not in one.outcome
        assert one.outcome != OK or one.macs <= one.macs_before / 2


def test_an_outcome_takes_the_place_of_an_earlier_one() -> None:
    old, other = outcome(outcome="bad"), outcome(family="b", architecture="b1")
    assert merged((other, old), outcome()) == (outcome(), other)
    assert table(Result(outcomes=(old, other), environment={})).startswith("1 of 2 ")


@pytest.mark.parametrize(
    ("again", "arch", "left"),
    [("none", (), {"new"}), ("failed", (), {"new", "bad"}), ("all", (), {"new", "bad", "good"}),
     ("none", ("good",), set()), ("all", ("good",), {"good"})],
)  # fmt: skip
def test_what_was_tried_is_not_tried_again_unless_asked(
    again: str, arch: tuple[str, ...], left: set[str]
) -> None:
    listed = tuple(listed_as(name, name) for name in ("good", "bad", "new"))
    known = (outcome(architecture="good"), outcome(architecture="bad", outcome="It is bad."))
    config = command.Config(again=again, arch=arch)
    assert {one.architecture for one in command._left(config, listed, known)} == left


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean"):
        command._left(command.Config(arch=("resnet10",)), LISTED, ())


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"outcomes": 1}'])
def test_a_damaged_result_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "families.json"
    file.write_bytes(content)
    with pytest.raises(UserError, match="earlier run cannot be read"):
        command.run(command.Config(out=file))
    assert file.read_bytes() == content


def test_a_run_writes_after_each_and_goes_on(tmp_path: Path, monkeypatch) -> None:
    listed = (ONE, listed_as("vgg", "vgg11"))
    monkeypatch.setattr(command, "LISTED", listed)
    seen: list[str] = []

    def made_up(one: Listed, data: Path, _timeout: float) -> Outcome:
        assert len(list(data.glob("*.png"))) == pictures.COUNT
        if len(seen) == 1:
            seen.append("broken off")
            raise KeyboardInterrupt
        seen.append(one.architecture)
        return outcome(family=one.family, architecture=one.architecture)

    monkeypatch.setattr(trial, "tried", made_up)
    with pytest.raises(KeyboardInterrupt):
        command.run(command.Config(out=tmp_path / "families.json"))
    assert "| resnet | resnet10t |" in (tmp_path / "families.md").read_text()
    result = command.run(command.Config(out=tmp_path / "families.json"))
    assert seen == ["resnet10t", "broken off", "vgg11"]
    assert [one.outcome for one in result.outcomes] == [OK, OK]


def ended(monkeypatch, *endings: tuple[int, str]) -> list[list[str]]:
    """Let commands end so, one after the other, and return their lines."""
    lines, left = [], list(endings)

    def run(line: list[str], **_options: object) -> subprocess.CompletedProcess:
        lines.append(line)
        code, text = left.pop(0)
        return subprocess.CompletedProcess(line, code, "", text)

    monkeypatch.setattr(subcommands.subprocess, "run", run)
    return lines


def test_a_training_that_fails_is_told_in_its_words(monkeypatch, tmp_path: Path) -> None:
    lines = ended(
        monkeypatch, (1, "reading\nerror: An error. The traceback is in /a/b.txt. Next: x")
    )
    found = trial.tried(ONE, tmp_path, 9)
    assert (found.outcome, found.failed_step) == ("An error.", "train")
    assert len(lines) == 1


def test_a_command_that_a_signal_ended_is_not_told_by_what_it_said_before(
    monkeypatch, tmp_path: Path
) -> None:
    ended(monkeypatch, (-11, "read 48 images, 2 labels; skipped 0\n"))
    found = trial.tried(ONE, tmp_path, 9)
    assert found.outcome.startswith("compress.train was ended by signal 11 (SIGSEGV)")


def test_a_gate_that_is_not_met_is_no_failure_and_an_export_may_fail(
    monkeypatch, tmp_path: Path
) -> None:
    lines = ended(monkeypatch, (3, "error: map is low"), (2, "error: no operator in /tmp/x/y.onnx"))
    found = trial.tried(ONE, tmp_path, 9)
    assert (found.outcome, found.failed_step) == ("no operator in y.onnx", "export")
    assert [line[2] for line in lines] == ["compress.train", "export.onnx"]


def test_what_takes_too_long_is_told(monkeypatch, tmp_path: Path) -> None:
    def run(line: list[str], **_options: object):
        raise subprocess.TimeoutExpired(line, 9)

    monkeypatch.setattr(subcommands.subprocess, "run", run)
    assert trial.tried(ONE, tmp_path, 9).outcome == "compress.train was not done after 9 s."


@pytest.mark.parametrize(
    ("of_float", "of_int8", "layers", "told"),
    [
        (1e-6, 0.02, 3, OK), (2e-3, 0.02, 3, "fp32 export"), (None, 0.02, 3, "fp32 export"),
        (1e-6, 0.7, 3, "int8 file answers"), (1e-6, float("nan"), 3, "int8 file answers"),
        (1e-6, None, 3, "int8 file answers"), (1e-6, 0.02, 0, "No layer"),
    ],
)  # fmt: skip
def test_a_file_is_sound_where_it_answers_alike_in_integers(
    of_float: float | None, of_int8: float | None, layers: int, told: str, tmp_path: Path
) -> None:
    parity = Verdict(
        gate="parity <= 0.001", against=None, outcome="pass", measured=of_float, reason=""
    )
    made = model("new", int8_convs_fused=layers, convs_total=4, parity_max_prob_diff=of_int8)
    found = trial.judged(
        outcome(), Artifact(tmp_path, made.manifest.model_copy(update={"verdicts": (parity,)}))
    )
    assert told in found.outcome
    assert (found.failed_step is None) is (told == OK)
    assert (found.int8_layers, found.layers) == (layers, 4)


def test_a_pruned_network_goes_the_whole_way(monkeypatch, tmp_path: Path) -> None:
    def ending(_timeout_s: float, name: str, *words: str) -> subcommands.Ending:
        module = importlib.import_module(name)
        return subcommands.Ending(main(module.Config, module.run, words), "")

    monkeypatch.setattr(pruning, "ending_of", ending)
    monkeypatch.setattr(pruning, "problem_of", lambda *line: ending(*line).problem)
    small = ONE.model_copy(update={"image_size": 32})
    found = pruning.tried(small, pictures.write(tmp_path / "shapes"), 300)
    assert (found.outcome, found.failed_step, found.exit_code) == (OK, None, 0)
    assert (found.narrowed, found.prunable) == (6, 15)
    assert found.macs <= found.macs_before / 2
    row = pruned.table(pruned.Result(outcomes=(found,), environment={})).splitlines()[-1]
    assert row.startswith(f"| resnet | {ONE.architecture} | 32 | 6 of 15 | ")
    assert row.endswith(" | ok | 0 |")


@pytest.mark.parametrize(
    ("code", "left", "outcome"),
    [
        (2, (), "no"), (3, (), "no"), (1, (), "no (no proper refusal: its exit code is 1, not 2)"),
        (0, (), "no (no proper refusal: its exit code is 0, not 2)"),
        (2, ("pruned",), "no (no proper refusal: it leaves pruned)"),
        (2, (".pruned.work",), "no (no proper refusal: it leaves .pruned.work)"),
        (None, (".pruned.work",), "no"), (0, ("pruned",), None), (3, ("pruned",), None),
    ],
)  # fmt: skip
def test_a_refusal_has_its_code_and_leaves_nothing(
    code: int | None, left: tuple[str, ...], outcome: str | None, tmp_path: Path
) -> None:
    for name in left:
        (tmp_path / name).mkdir()
    ending = subcommands.Ending(code, "no")
    assert pruning.problem_of_pruning(ending, tmp_path / "pruned") == outcome


def test_what_fails_says_where(monkeypatch, tmp_path: Path) -> None:
    lines = ended(monkeypatch, (0, ""), (2, "error: It splits."))
    found = pruning.tried(ONE, tmp_path, 9)
    assert [line[2] for line in lines] == ["compress.train", "compress.prune"]
    assert (found.outcome, found.failed_step, found.exit_code) == ("It splits.", "prune", 2)
