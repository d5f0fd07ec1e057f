"""What people will add is one new file: each kind is added to a copy of the tree, and used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from colours import COLOURS, LABELS, SPEC, write_onnx
from house_copy import copy_house
from places import ROOT, SUPPORT
from small_training import FAST, write

from edgepress.core import artifact as artifacts
from edgepress.core.manifest import Manifest, Measurements

LOSS = '''"""Brier score: the squared error of the probabilities."""

from compress.learning.losses._targets import known, mean


def loss(logits, targets, weights=None):
    """Return the mean squared error of known targets `[n, labels]`."""
    rows = known(logits, targets)
    each = (logits[rows].sigmoid() - targets[rows]).square()
    return mean(each, None if weights is None else weights[rows])
'''
TERM = '''"""Relations: images that the teacher finds alike are to be alike to the student."""

import torch

NEEDS = "teacher"


def term(taught):
    """Return the mean absolute difference of the distances between images `[n, n]`."""
    ours, theirs = torch.cdist(taught.logits, taught.logits), torch.cdist(
        taught.teacher_logits, taught.teacher_logits
    )
    return (ours - theirs).abs().mean()
'''
IMPORTANCE = '''"""The last channels of each layer first, whatever their weights."""

import torch


def importance(group):
    """Return a worth that falls with the number of the channel, `[channels]`."""
    return torch.arange(len(group[0].idxs), 0, -1.0)
'''
TARGET = '''"""A board that is not known to edgepress."""

from export.targets._target import Target

TARGET = Target(
    name="my-board",
    description="a board of our own",
    precisions=("fp32", "int8"),
    refusal="it has no fp16",
)
'''
METRIC = '''"""Bits of the file for each parameter: 32 in float, about 8 in int8."""

from benchmarks.gates.evidence import Subject
from benchmarks.gates.metrics._counted import counted
from benchmarks.gates.metrics._metric import Metric


def read(model: Subject) -> float | None:
    """Return them where the parameters are counted."""
    params = model.artifact.manifest.measurements.params
    return 8 * model.artifact.size_bytes / params if params else None


METRIC = Metric(
    about="cost", needs="network", forms=counted(read), examples=("bits <= 9", "bits ratio <= 0.3")
)
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the packages with a new file of each kind."""
    tree = tmp_path_factory.mktemp("additions")
    copy_house(tree)
    for name, text in (
        ("compress/learning/losses/brier.py", LOSS),
        ("compress/learning/terms/relations.py", TERM),
        ("compress/pruning/importance/last_first.py", IMPORTANCE),
        ("export/targets/my_board.py", TARGET),
        ("benchmarks/gates/metrics/bits.py", METRIC),
    ):
        (tree / name).write_text(text)
    return tree


def ran(tree: Path, module: str, *options: object, code: int = 0) -> str:
    """Return what a command prints in the copy, which ends in `code`."""
    path = os.pathsep.join([str(tree), str(SUPPORT)])
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, options)],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_loss_a_term_an_importance_and_a_target_are_one_file_each(copy: Path, tmp_path: Path):
    data = write(tmp_path / "data", lambda row: (row % 2, row // 2 % 2))
    common = ("--data", data, "--out")
    any_size = ("--gate", "params <= 1e9")
    ran(
        copy, "in_turn",
        "compress.train", *FAST, "--epochs", 1, "--loss", "brier", *common, tmp_path / "net",
        "then", "compress.prune", "--model", tmp_path / "net", "--importance", "last-first",
        "--macs", 0.8, "--round-to", 1, "--rounds", 1, "--epochs", 0, "--batch-size", 2,
        *any_size, *common, tmp_path / "pruned",
        "then", "compress.distill", "--teacher", tmp_path / "net", "--student", tmp_path / "pruned",
        "--term", "relations=0.5", "--epochs", 1, "--batch-size", 2, *any_size, *common,
        tmp_path / "student",
        "then", "export.onnx", "--model", tmp_path / "student", "--target", "my-board", "--gate",
        "parity <= 1e-3", *common, tmp_path / "onnx",
    )  # fmt: skip
    last = artifacts.load(tmp_path / "pruned").manifest.architecture
    assert last is not None
    gone = [indices for _, out, indices in last.pruning_history if out]
    assert gone
    assert all(list(each) == sorted(each) and each[0] > 0 for each in gone)
    assert artifacts.load(tmp_path / "onnx").manifest.config["target"] == "my-board"
    assert artifacts.load(tmp_path / "student").manifest.config["term"] == ["relations=0.5"]


SECTION = '''"""How many labels the models have."""

from benchmarks.report.of_models import label_names
from benchmarks.report.page import Values
from benchmarks.report.schema import Report

TITLE = "Labels in a row"
ORDER = 41


def values(report: Report) -> Values:
    """Return the labels."""
    return {"labels": label_names(report)} if report.models else "There is no model."
'''
TEMPLATE = """<p class="lead">{{ labels | length }} labels on {{ report.title }}</p>
<ul>{% for label in labels %}<li>{{ label }}</li>{% endfor %}</ul>
"""
RENDER = """
import runpy, sys
from benchmarks.report.sections import PAGE
report = runpy.run_path(sys.argv[1])["full_report"]()
report.data["label_names"] = ["<b>first</b>"]
print(PAGE.html(report))
"""


def test_a_report_section_is_one_file_and_its_template(tmp_path: Path):
    copy_house(tmp_path, ("edgepress", "benchmarks"))
    sections = tmp_path / "benchmarks" / "report" / "sections"
    (sections / "in_a_row.py").write_text(SECTION)
    (sections / "in_a_row.html.jinja").write_text(TEMPLATE)
    made = subprocess.run(
        [sys.executable, "-c", RENDER, ROOT / "tests" / "support" / "report_sample.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert '<a href="#in-a-row">Labels in a row</a>' in made.stdout
    before, after = (made.stdout.index(f'<section id="{x}"') for x in ("labels", "drops"))
    assert before < made.stdout.index("labels on Solar-cell defects") < after
    assert "<li>&lt;b&gt;first&lt;/b&gt;</li>" in made.stdout


def test_a_gate_metric_is_one_file(copy: Path, tmp_path: Path):
    bits = {}
    for name, convs in (("small", 0), ("large", 2)):
        work = tmp_path / f".{name}"
        work.mkdir()
        write_onnx(work / "model.onnx", COLOURS, convs)
        bits[name] = 8 * (work / "model.onnx").stat().st_size / 100
        manifest = Manifest(
            id=name, stage="tests", config={}, kind="onnx", image=SPEC, labels=LABELS, data=None,
            measurements=Measurements(params=100),
        )  # fmt: skip
        artifacts.save(tmp_path / name, work, manifest)
    models = ("--candidate", tmp_path / "small", "--baseline", tmp_path / "large")
    limit = bits["small"] + 1
    gates = ("--gate", f"bits <= {limit}", "--gate", "bits ratio <= 1")
    told = ran(copy, "benchmarks.gate", *models, *gates)
    assert f"bits is {bits['small']:,.6g}; the limit of {limit:,.6g} is met" in told
    assert f"bits is {100 * bits['small'] / bits['large']:.2f}% of the reference's" in told
    ran(copy, "benchmarks.gate", *models, "--gate", f"bits <= {limit - 2}", code=3)
    assert "`bits ratio <= 0.3`" in ran(copy, "benchmarks.gate", "--help")
