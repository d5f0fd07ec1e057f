"""`python -m benchmarks.accuracy`: every multi-label metric, printed and stored."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from colours import MakeModel
from onnx import helper

from benchmarks import metrics
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.evaluation.tables import StoredMetrics, mean_rows
from benchmarks.report.schema import Report
from benchmarks.report.sections import PAGE
from edgepress.core import artifact as artifacts
from edgepress.data.context import context_of
from edgepress.data.dataset import open_data

MODULE = "benchmarks.accuracy"


def run_on(command, model: Path, data: Path, *more: object):
    return command(MODULE, "--model", model, "--data", data, "--threads", 1, *more)


def test_what_is_stored_is_the_summary_at_the_stored_thresholds(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    path = make_model("model").path
    out = tmp_path / "new" / "metrics.json"
    done = run_on(command, path, colours, "--out", out, "--top-k", 1, "--prf-weights", 0, 3, 1)
    assert done.code == 0, done.err
    stored = StoredMetrics.model_validate_json(out.read_text())
    model, dataset = artifacts.load(path), open_data(str(colours))
    rows = context_of(dataset, model).rows("test")
    result = evaluate(model, dataset, rows, EvalSettings())
    weights = metrics.PrfWeights(precision=0, recall=3, f1=1)
    wanted = metrics.summary(result.targets, result.scores[0], (0.5, 0.5), 1, weights)
    assert stored.metrics == wanted
    assert (stored.n_images, stored.label_names, stored.map) == (
        len(rows), ("red", "green"), result.map,
    )  # fmt: skip
    for name, value, _ in mean_rows(stored):
        assert name in done.out
        assert value in done.out
    assert f"metrics: {out}" in done.out
    assert "undefined" not in done.out


def test_undefined_is_said_and_stored_as_null(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    table = colours / "table.csv"
    rows = list(csv.reader(table.read_text().splitlines()))
    one = [[name, red, int(number == 0)] for number, (name, red, _) in enumerate(rows[1:])]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([rows[0], *one])  # the one goes to the training part
    out = tmp_path / "metrics.json"
    done = run_on(command, make_model("model").path, colours, "--out", out)
    assert done.code == 0, done.err
    assert "in no mean, for want of images with or without them: green" in done.out
    found = json.loads(out.read_text())
    assert found["undefined"] == ["green"]
    red, green = found["metrics"]["labels"]
    assert green["ap"] is green["recall"] is green["brier"] is None
    assert found["metrics"]["map"] == red["ap"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prf-weights", 0, 0, 0), "No metric has a weight"),
        (("--prf-weights", 1, -1, 0), "greater than or equal to 0"),
        (("--top-k", 0), "greater than or equal to 1"),
    ],
)
def test_bad_options(make_model: MakeModel, colours: Path, command, arguments, says: str):
    done = run_on(command, make_model("model").path, colours, *arguments)
    assert done.code == 2
    assert says in " ".join((done.err + done.out).split())


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    done = run_on(command, make_model("model").path, colours, "--out", tmp_path)
    assert done.code == 2
    assert "a folder has this name" in done.err
    assert "read 80 images" not in done.err


def test_outputs_that_are_no_probabilities_are_refused(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    bare = tmp_path / "logits.onnx"
    model = onnx.load(make_model("model").weights)
    model.graph.node[-1].CopyFrom(helper.make_node("Identity", ["logits"], ["probs"]))
    onnx.save(model, bare)
    done = run_on(command, bare, colours)
    assert done.code == 2
    assert "not probabilities" in done.err


def test_the_report_has_the_important_ones(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
):
    path, out = make_model("model").path, tmp_path / "report"
    done = command(
        "benchmarks.compare", path, "--data", colours, "--out", out, "--no-latency",
        "--gate", "of1 >= 0.5", "--gate", "recall[red] >= 0.2", "--gate", "ece <= 0.9",
    )  # fmt: skip
    assert done.code == 0, done.err
    report = Report.model_validate_json((out / "report.json").read_text())
    model, dataset = artifacts.load(path), open_data(str(colours))
    result = evaluate(model, dataset, context_of(dataset, model).rows("test"), EvalSettings())
    found, wanted = report.models[0].metrics, metrics.averages(
        result.targets, result.scores[0] >= np.float32(0.5)
    )  # fmt: skip
    assert (found.cf1, found.of1) == (wanted.class_f1, wanted.overall_f1)
    assert found.label_ranking_ap == metrics.label_ranking_ap(result.targets, result.scores[0])
    page = PAGE.html(report)
    assert 'id="metrics"' in page
    assert f"<td>{found.cf1:.3f}</td><td>{found.of1:.3f}</td>" in page
    old = json.loads(report.model_dump_json())
    del old["models"][0]["metrics"]
    assert 'id="metrics"' not in PAGE.html(Report.model_validate(old))
