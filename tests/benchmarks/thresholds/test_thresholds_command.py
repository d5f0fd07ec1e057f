"""`python -m benchmarks.thresholds`: a model gets other thresholds, wherever it tells its own."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import COLOURS, MakeModel, write_onnx

from benchmarks import thresholds
from benchmarks.statistics.label_decisions import label_decisions
from edgepress.core import artifact as artifacts
from edgepress.core.eval_file import load_eval
from edgepress.core.labels import Labels

RUN = "benchmarks.thresholds.__main__"
DEMAND = "recall[red] >= 0.9"


def told_by(file: Path) -> Labels:
    """Return the labels that an ONNX file tells."""
    props = {prop.key: prop.value for prop in onnx.load(file).metadata_props}
    return Labels.model_validate_json(props["edgepress.labels"])


def test_new_thresholds_are_in_the_manifest_the_file_and_the_evaluation(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    model = make_model("model")
    out = tmp_path / "new"
    done = command(RUN, "--model", model.path, "--data", colours, "--out", out, "--demand", DEMAND)
    assert done.code == 0, done.err
    made = artifacts.load(out)
    labels = made.manifest.labels
    assert labels.thresholds != model.manifest.labels.thresholds
    assert labels.learning.labels[0].recall >= 0.9
    assert told_by(made.weights) == labels
    assert made.manifest.parents == (model.manifest.id,)
    result = load_eval(out / "eval.npz")
    each = label_decisions(result, labels)
    assert result.f1_macro == pytest.approx(np.mean([found.f1 for found in each]))
    for expected in ("F1 val", "recall test", "red", DEMAND, "95% interval"):
        assert expected in done.out
    assert thresholds.told(labels, result)[0] in made.manifest.notes
    graphs = [onnx.load(one.weights).graph.SerializeToString() for one in (model, made)]
    assert graphs[0] == graphs[1], "probabilities do not change"


def test_settings_are_inherited_unless_others_are_named(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    common = ("--data", colours)
    command(RUN, *common, "--model", make_model("m").path, "--out", first, "--demand", DEMAND)
    command(RUN, *common, "--model", first, "--out", second)
    command(RUN, *common, "--model", second, "--out", third, "--thresholds", "global")
    settings = [artifacts.load(path).manifest.labels.learning.settings for path in (second, third)]
    assert settings[0].demands == (DEMAND,)
    assert (settings[1].method, settings[1].demands) == ("global", ())
    assert not artifacts.load(third).manifest.notes, "it follows no demand any more"


def test_a_bare_file_becomes_an_artifact(tmp_path: Path, colours: Path, command):
    write_onnx(tmp_path / "bare.onnx", COLOURS)
    out = tmp_path / "made"
    done = command(RUN, "--model", tmp_path / "bare.onnx", "--data", colours, "--out", out)
    assert done.code == 0, done.err
    made = artifacts.load(out)
    assert told_by(made.weights) == made.manifest.labels
    assert made.manifest.labels.learning.settings.method == "f1"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--demand", "recall[rde] >= 0.9"), "did you mean 'red'"),
        (("--demand", "recall[red] >= 0.9", "--demand", "precision[red] >= 0.9"), "one demand"),
        (("--thresholds", "magic"), "invalid choice"),
    ],
)
def test_bad_options(
    make_model: MakeModel, colours: Path, tmp_path: Path, command, arguments, says: str
):
    out = tmp_path / "new"
    model = make_model("model").path
    done = command(RUN, "--model", model, "--data", colours, "--out", out, *arguments)
    assert done.code == 2
    assert says in done.err + done.out
    assert not out.exists()


def test_a_demand_that_no_threshold_keeps_stores_nothing(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    model = make_model("wrong", head=-COLOURS).path
    out = tmp_path / "new"
    demand = ("--demand", "precision[red] >= 0.99")
    done = command(RUN, "--model", model, "--data", colours, "--out", out, *demand)
    assert done.code == 2
    assert "precision up to" in done.err
    assert "ask for less" in done.err
    assert not list(tmp_path.glob("*new*"))


def test_a_model_is_not_replaced_by_itself(make_model: MakeModel, colours: Path, command):
    model = make_model("model").path
    done = command(RUN, "--model", model, "--data", colours, "--out", model)
    assert done.code == 2
    assert "would replace" in done.err


def test_verdicts_that_hang_on_thresholds_are_not_taken_over(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    model = make_model("model")
    manifest = json.loads((model.path / "manifest.json").read_text())
    manifest["verdicts"] = [
        {"gate": gate, "against": None, "outcome": "pass", "measured": 1.0, "reason": "so"}
        for gate in ("map >= 0.5", "agreement >= 0.9", "recall[red] >= 0.9 on validation")
    ]
    (model.path / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "new"
    assert command(RUN, "--model", model.path, "--data", colours, "--out", out).code == 0
    assert [one.gate for one in artifacts.load(out).manifest.verdicts] == ["map >= 0.5"]
