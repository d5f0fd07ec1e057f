"""A recipe ends by the worst verdict of any step that ran, whatever its report holds."""

from pathlib import Path

import numpy as np
import pytest
import report_sample
from colours import LABELS, SPEC, write_onnx

from benchmarks.report.schema import Report
from compress import __main__ as recipe_command
from compress.recipes import reporting, running
from edgepress.core import artifact as artifacts
from edgepress.core import console, ending
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.gates import Verdict
from edgepress.core.manifest import Manifest

HEAD = np.eye(3, 2, dtype=np.float32)
RECIPE = """
title = "Made up"
step = [
    {{ name = "one", stage = "compress.train" }},
    {{ name = "two", stage = "compress.train" }},
    {{ name = "three", stage = "compress.train" }},
]
compare = {{ models = [{models}], gate = ["size <= 1MB"] }}
"""


def verdict(outcome: str) -> Verdict:
    return Verdict(
        gate="map >= 0.5", against=None, outcome=outcome, measured=0.4,
        reason=f"so it is: {outcome}",
    )  # fmt: skip


def save(path: Path, outcome: str) -> artifacts.Artifact:
    work = path.with_name(f".{path.name}")
    work.mkdir(parents=True)
    write_onnx(work / "model.onnx", HEAD)
    manifest = Manifest(
        id=path.name, stage="tests", config={}, kind="onnx", image=SPEC, labels=LABELS, data=None,
        verdicts=(verdict(outcome),),
    )  # fmt: skip
    return artifacts.save(path, work, manifest)


class Recorded:
    """What the report was asked for."""

    def __init__(self, report: Report) -> None:
        self.report, self.asked = report, []

    def __call__(self, config) -> Report:
        self.asked.append(config)
        return self.report


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_report: Report, capfd):
    """Run a recipe of three steps with these outcomes, and a report that passes."""

    def go(outcomes: dict[str, str], models: str, report_error: UserError | None = None):
        out = tmp_path / "out"

        def run_step(step, _place) -> artifacts.Artifact:
            if artifacts.is_artifact(out / step.name):
                console.say(f"unchanged: {out / step.name}")
                artifact = artifacts.load(out / step.name)
            else:
                artifact = save(out / step.name, outcomes[step.name])
            ending.require(artifact.manifest.verdicts)
            return artifact

        passing = full_report.model_copy(
            update={"models": tuple(m.model_copy(update={"gates": ()}) for m in full_report.models)}
        )
        recorded = Recorded(passing)

        def fail(_config) -> Report:
            raise report_error

        monkeypatch.setattr(running, "check", lambda _recipe, _place: None)
        monkeypatch.setattr(running, "run_step", run_step)
        compare = fail if report_error else recorded
        monkeypatch.setattr(reporting.compare, "compare", compare)
        file = tmp_path / "recipe.toml"
        file.write_text(RECIPE.format(models=models))
        arguments = ["--recipe", str(file), "--out", str(out)]
        code = main(recipe_command.Config, recipe_command.run, arguments)
        return code, recorded.asked, capfd.readouterr().err

    return go


@pytest.fixture
def full_report() -> Report:
    return report_sample.full_report()


@pytest.mark.parametrize("models", ['"@one", "@two"', '"@one", "@three"', '"@three"', '"@two"'])
@pytest.mark.parametrize(("outcome", "code"), [("fail", 3), ("inconclusive", 4)])
def test_a_step_that_does_not_pass_decides_whatever_is_compared(run, outcome, code, models) -> None:
    ended, asked, said = run({"one": "pass", "two": outcome, "three": "pass"}, models)
    assert ended == code, said
    assert f"two: map >= 0.5: so it is: {outcome}" in said
    names = [[path.name for path in config.models] for config in asked]
    wanted = [name for name in ("one", "two") if f"@{name}" in models]
    assert names == ([wanted] if wanted else []), "never a model that is not of the recipe"
    assert all(config.gate == () for config in asked)
    if not wanted:
        assert "no report: no model of [compare] was made" in said


def test_all_that_pass_end_with_0_and_the_gates_of_the_comparison_are_held(run) -> None:
    ended, asked, said = run(dict.fromkeys(("one", "two", "three"), "pass"), '"@one", "@three"')
    assert ended == 0, said
    assert [path.name for path in asked[0].models] == ["one", "three"]
    assert asked[0].gate == ("size <= 1MB",)


def test_unchanged_steps_end_as_they_did(run) -> None:
    outcomes = {"one": "pass", "two": "fail", "three": "pass"}
    assert run(outcomes, '"@one", "@three"')[0] == 3
    ended, _, said = run(outcomes, '"@one", "@three"')
    assert ended == 3
    assert "unchanged" in said


def test_a_report_that_cannot_be_made_does_not_hide_the_step(run) -> None:
    error = UserError("Bad image", got="7.png")
    outcomes = {"one": "pass", "two": "fail", "three": "pass"}
    ended, _, said = run(outcomes, '"@one", "@three"', error)
    assert ended == 3
    assert "no report: Bad image" in said


def test_without_a_failed_step_an_error_of_the_report_is_its_own(run) -> None:
    error = UserError("Bad image", got="7.png")
    ended, _, said = run(dict.fromkeys(("one", "two", "three"), "pass"), '"@one"', error)
    assert ended == 2
    assert "Bad image" in said


@pytest.mark.parametrize(("outcome", "code"), [("pass", 0), ("inconclusive", 4), ("fail", 3)])
def test_an_empty_comparison_is_no_report_and_the_steps_decide(run, outcome, code) -> None:
    ended, asked, said = run({"one": "pass", "two": "pass", "three": outcome}, "")
    assert ended == code
    assert asked == []
    assert "no report: [compare] names no model" in said


@pytest.mark.parametrize("models", ["", '"@one", "@one"'])
def test_gates_on_no_model_and_a_model_twice_are_refused_before_work(
    command, tmp_path: Path, models: str
) -> None:
    file, out = tmp_path / "recipe.toml", tmp_path / "out"
    file.write_text(RECIPE.format(models=models))
    done = command("compress.__main__", "--recipe", file, "--out", out)
    assert done.code == 2, done.err
    assert "[compare]" in done.err
    assert not out.exists()
